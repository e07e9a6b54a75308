#pragma once
// The LRU between a short convolution and a gate.

#include "nn/layers.h"
#include "nn/lru.h"
#include "nn/sequence_layer.h"

namespace lrurec::nn {

/// The LRU inside the block that recurrent language models put around their recurrence (Griffin: De et al.,
/// 2024; for recommendation RecBLR: Liu et al., 2024), with E = 2 H:
///
///   c   = sum_{j < 4} w_j * (W_u x + b_u)_{t-j} + b_c      (each channel by itself; 0 before a sequence)
///   y   = LRU(silu(c))
///   out = W_o (y * silu(W_z x + b_z)) + b_o
///
/// Its matrices begin with sigma 1 / sqrt(inputs). Five in a row with the published sigma of .02 would leave
/// next to nothing of x.
///
/// The state is complex [n, D + 3 E]: that of the LRU, and the last three inputs of the convolution.
class GatedLRU : public SequenceLayer {
 public:
  GatedLRU(std::int64_t hidden, std::int64_t channels, Initializer& init);

  Variable mix_composed(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const override;
  Variable mix(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const override;
  void prepare_steps() override { lru_.prepare_steps(); }
  Tensor initial_state(std::int64_t n) const override;
  Tensor step(const Tensor& x, const Tensor& state) const override;

  Tensor eigenvalues() const override { return lru_.eigenvalues(); }

  static constexpr std::int64_t expansion = 2, taps = 4;
  const LRU& lru() const { return lru_; }
  /// The input of the LRU inside, [tokens, H] -> [tokens, E].
  Variable lru_input(const Variable& x, const IndexTensor& offsets) const;

 private:
  /// silu of the convolution; rows[j]: what entered j tokens ago, [tokens, E].
  Variable convolved(const Variables& rows) const;
  Variable gated(const Variable& y, const Variable& x) const;

  Linear input_, gate_, output_;  ///< W_u, W_z, W_o
  Variable filter_, bias_;        ///< w: [4, E], the newest first; b_c: [E]
  LRU lru_;
};

}  // namespace lrurec::nn
