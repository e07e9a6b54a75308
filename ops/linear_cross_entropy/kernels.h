#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::cpu {

struct HeadShape {
  std::int64_t tokens, H, classes;
  std::int64_t chunk;  ///< tokens at a time, 0 = chosen
};

/// Where gradients go; all dense, of the shape of what they belong to, overwritten.
template <class T>
struct HeadGradients {
  T* dx = nullptr;
  T* dweight = nullptr;
  T* dbias = nullptr;
};

/// Sum over tokens with a label of log_sum_exp(logits) - logits[label], logits = x weight^T + bias; where
/// gradients.dx is given, also the gradients of `scale` times that sum.
template <class T>
double linear_cross_entropy(const HeadShape& shape, const T* x, const T* weight, const T* bias,
                            const std::int64_t* labels, T scale, HeadGradients<T> gradients);

}  // namespace lrurec::ops::cpu

namespace lrurec::ops::kernels {

/// The same on the GPU; value: the sum times `scale`, in device memory.
template <class T>
void linear_cross_entropy(Cuda, const cpu::HeadShape& shape, const T* x, const T* weight, const T* bias,
                          const std::int64_t* labels, T scale, const cpu::HeadGradients<T>& gradients,
                          T* value);

}  // namespace lrurec::ops::kernels
