#pragma once

#include <cstdint>

#include "tensor/random.h"

namespace lrurec::ops::cpu {

/// W1 [I, H], b1 [I], W2 [O, I], b2 [O]; x [tokens, H].
template <class T>
struct FeedForward {
  std::int64_t tokens, H, I, O;
  const T *x, *W1, *b1, *W2, *b2;
  double p;       ///< of dropout
  Philox random;  ///< its mask
};

template <class T>
struct FeedForwardGradients {
  T *dx, *dW1, *db1, *dW2, *db2;
};

template <class T>
void feed_forward(const FeedForward<T>& f, T* y);

/// Gradients, overwritten.
template <class T>
void feed_forward_backward(const FeedForward<T>& f, const T* dy, const FeedForwardGradients<T>& gradients);

}  // namespace lrurec::ops::cpu
