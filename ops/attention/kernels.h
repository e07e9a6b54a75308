#pragma once

#include <cstdint>

#include "ops/primitives/dropout_mask.h"
#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Everything dense and on the device.
template <class T>
struct Attention {
  std::int64_t sequences, tokens, heads, width;  ///< width of a head; H = heads * width
  const std::int64_t* offsets;                   ///< [S + 1]
  const T* qkv;                                  ///< [tokens, 3 H]
  bool causal;
  DropoutMask mask;
  std::int64_t longest;  ///< tokens of the longest sequence

  LRUREC_HOST_DEVICE std::int64_t H() const { return heads * width; }
  /// Where row t of q (part 0), k (1) or v (2) of a head begins, or of its gradient.
  template <class P>
  LRUREC_HOST_DEVICE P* row(P* all, int part, std::int64_t t, std::int64_t head) const {
    return all + (3 * t + part) * H() + head * width;
  }
  /// The mask's first element of a token's weights.
  LRUREC_HOST_DEVICE std::int64_t mask_row(std::int64_t t, std::int64_t head) const {
    return (t * heads + head) * longest;
  }
};

/// y: [tokens, H]; tops: [tokens, heads, 2]: for each row of products q_t . k_j the largest one, and the sum
/// of exp(score - its score). They are kept apart, since beside a large score the logarithm of the sum would
/// lose its digits.
template <class T>
void attention_forward(Cpu, const Attention<T>& f, T* y, T* tops);
template <class T>
void attention_forward(Cuda, const Attention<T>& f, T* y, T* tops);

/// y, tops: of the forward pass; dy: [tokens, H]; dqkv: [tokens, 3 H].
template <class T>
void attention_backward(Cpu, const Attention<T>& f, const T* y, const T* tops, const T* dy, T* dqkv);
template <class T>
void attention_backward(Cuda, const Attention<T>& f, const T* y, const T* tops, const T* dy, T* dqkv);

}  // namespace lrurec::ops::kernels
