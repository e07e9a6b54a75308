#pragma once

#include <cstdint>

#include "tensor/device.h"
#include "tensor/random.h"
#include "tensor/scratch.h"

namespace lrurec::ops::cpu {

/// W1 [I, H], b1 [I], W2 [O, I], b2 [O]; x [tokens, H].
template <class T>
struct FeedForward {
  std::int64_t tokens, H, I, O;
  const T *x, *W1, *b1, *W2, *b2;
  double p;       ///< of dropout
  Philox random;  ///< its mask
};

/// The weights as the forward products read them: W1^T [H, I], W2^T [I, O].
template <class T>
struct FeedForwardTransposed {
  Scratch<T> W1, W2;
  explicit FeedForwardTransposed(const FeedForward<T>& f);
};

template <class T>
struct FeedForwardGradients {
  T *dx, *dW1, *db1, *dW2, *db2;
};

template <class T>
void feed_forward(const FeedForward<T>& f, const FeedForwardTransposed<T>& transposed, T* y);

/// Gradients, overwritten.
template <class T>
void feed_forward_backward(const FeedForward<T>& f, const T* dy, const FeedForwardGradients<T>& gradients);

}  // namespace lrurec::ops::cpu

namespace lrurec::ops::kernels {

/// The GPU stores what lies between the layers, z = W1 x and a = dropout(gelu(z + b1)), both [tokens, I]; `a`
/// may be `z` where no backward follows. y holds b2 in every row and is added to.
template <class T>
void feed_forward(Cuda, const cpu::FeedForward<T>& f, T* z, T* a, T* y);

/// Gradients, overwritten.
template <class T>
void feed_forward_backward(Cuda, const cpu::FeedForward<T>& f, const T* z, const T* a, const T* dy,
                           const cpu::FeedForwardGradients<T>& gradients);

}  // namespace lrurec::ops::kernels
