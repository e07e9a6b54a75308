#pragma once
// What a step does to one number, on either device.

#include <cmath>

#include "tensor/host_device.h"

namespace lrurec::nn::kernels {

/// Numbers of a step that all parameters share.
template <class T>
struct AdamStep {
  T beta1, beta2, eps;
  T rest1, rest2;  ///< 1 - beta1 and 1 - beta2, rounded once: 1 - .999 from floats is .00100005
  T root;          ///< 1 / sqrt(1 - beta2^n) at step n: the bias correction of sqrt(v)
};

template <class T>
struct SgdStep {
  T momentum;
};

/// Numbers of a step that each group of parameters has for itself.
template <class T>
struct GroupStep {
  T step_size = 0;  ///< learning rate; of Adam lr / (1 - beta1^n), the bias correction of m
  T shrink = 1;     ///< 1 - lr decay: decoupled weight decay (AdamW)
  T coupled = 0;    ///< weight decay that joins the gradient (Adam, SGD)
};

/// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2). p: the parameter,
/// m and v: the running means of its gradient and of the gradient's square.
template <class T>
LRUREC_HOST_DEVICE inline void adam_update(const AdamStep<T>& step, const GroupStep<T>& group, T gradient,
                                           T& p, T& m, T& v) {
  const T g = gradient + group.coupled * p;  // Adam's weight decay
  m = step.beta1 * m + step.rest1 * g;
  v = step.beta2 * v + step.rest2 * g * g;
  const T decayed = p * group.shrink;  // AdamW's weight decay, decoupled from the gradient
  p = decayed - group.step_size * m / (std::sqrt(v) * step.root + step.eps);
}

/// Gradient descent with (heavy-ball) momentum.
template <class T>
LRUREC_HOST_DEVICE inline void sgd_update(const SgdStep<T>& step, const GroupStep<T>& group, T gradient, T& p,
                                          T& velocity) {
  velocity = step.momentum * velocity + gradient + group.coupled * p;
  p -= group.step_size * velocity;
}

}  // namespace lrurec::nn::kernels
