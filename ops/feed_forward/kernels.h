#pragma once

#include <cstdint>

#include "ops/primitives/dropout_mask.h"
#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// W1 [I, H], b1 [I], W2 [O, I], b2 [O].
template <class T>
struct FeedForwardWeights {
  std::int64_t H, I, O;
  const T *W1, *b1, *W2, *b2;
};

template <class T>
struct FeedForward {
  std::int64_t tokens;
  FeedForwardWeights<T> weights;
  const T* packed;  ///< the weights as pack_feed_forward left them
  const T* x;       ///< [tokens, H]
  DropoutMask mask;
  T* kept;            ///< what the forward pass keeps for the backward
  bool bf16 = false;  ///< on a CPU, for f32: operands of products in bf16
};

template <class T>
struct FeedForwardGradients {
  T *dx, *dW1, *db1, *dW2, *db2;
};

/// Puts the weights in the layout that the products read; it serves until the weights change. On a CPU this
/// is W1^T [H, I], rows tile_stride apart, then W2^T [I, O]. A GPU reads W1 and W2 themselves.
std::int64_t packed_feed_forward_size(Cpu, std::int64_t H, std::int64_t I, std::int64_t O);
std::int64_t packed_feed_forward_size(Cuda, std::int64_t H, std::int64_t I, std::int64_t O);
template <class T>
void pack_feed_forward(Cpu, const FeedForwardWeights<T>& weights, T* packed);
template <class T>
void pack_feed_forward(Cuda, const FeedForwardWeights<T>& weights, T* packed);

/// Elements of `kept`. A CPU keeps z = W1 x + b1, [tokens, I] with rows tile_stride apart, where a backward
/// pass follows. A GPU keeps W1 x in any case, and the input of W2 where a backward pass follows, [tokens, I]
/// each.
std::int64_t kept_feed_forward_size(Cpu, std::int64_t tokens, std::int64_t I, bool for_backward);
std::int64_t kept_feed_forward_size(Cuda, std::int64_t tokens, std::int64_t I, bool for_backward);

/// y: [tokens, O]
template <class T>
void feed_forward(Cpu, const FeedForward<T>& f, bool for_backward, T* y);
template <class T>
void feed_forward(Cuda, const FeedForward<T>& f, bool for_backward, T* y);

/// Gradients, overwritten.
template <class T>
void feed_forward_backward(Cpu, const FeedForward<T>& f, const T* dy, const FeedForwardGradients<T>& to);
template <class T>
void feed_forward_backward(Cuda, const FeedForward<T>& f, const T* dy, const FeedForwardGradients<T>& to);

}  // namespace lrurec::ops::kernels
