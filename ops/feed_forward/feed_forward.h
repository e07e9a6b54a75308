#pragma once
// The position-wise network as one operation (equation 8).

#include "autograd/variable.h"
#include "ops/dropout/dropout.h"

namespace lrurec::ops {

/// y = W2 dropout(gelu(W1 x + b1)) + b2.
///
/// x: [tokens, H], W1: [I, H], b1: [I], W2: [O, I], b2: [O], f32 or f64, one dtype -> [tokens, O]. gelu is
/// z Phi(z) with the error function; the mask is that of ops::dropout on [tokens, I] (p = 0: none).
///
/// It equals linear(dropout(gelu(linear(x, W1, b1)), p, key), W2, b2). For the backward pass the CPU keeps
/// z = W1 x + b1, the GPU W1 x and the input of W2, [tokens, I] each; the mask m is computed again.
///
/// Backward:
///
///   da = W2^T dy,  dz = da m gelu'(z),  dx = W1^T dz
///   dW1 = sum dz x^T,  db1 = sum dz,  dW2 = sum dy (m gelu(z))^T,  db2 = sum dy
///
/// The bits do not depend on the thread count.
Variable feed_forward(const Variable& x, const Variable& W1, const Variable& b1, const Variable& W2,
                      const Variable& b2, double p = 0, DropoutKey key = {});

namespace kernels {
template <class T>
struct FeedForwardWeights;
}

namespace raw {

/// Weights in the layout that kernels read, for many calls with the same weights. W1, b1, W2 and b2 share
/// memory with the arguments where those are dense. `packed` is a copy: pack again when the weights change.
struct PackedFeedForward {
  Tensor W1, b1, W2, b2;
  Tensor packed;  ///< see pack_feed_forward in kernels.h
  template <class T>
  kernels::FeedForwardWeights<T> pointers() const;
};
PackedFeedForward pack_feed_forward(const Tensor& W1, const Tensor& b1, const Tensor& W2, const Tensor& b2);

/// Without dropout, x: [tokens, H] -> [tokens, O].
Tensor feed_forward(const Tensor& x, const PackedFeedForward& weights);

}  // namespace raw

}  // namespace lrurec::ops
