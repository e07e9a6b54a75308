#pragma once
// The part of a block that mixes the tokens of a sequence: the LRU, or another layer in its place.

#include "nn/module.h"
#include "tensor/index_tensor.h"

namespace lrurec::nn {

/// A causal recurrence over packed sequences with a state of fixed size. x: [tokens, H], offsets: i64 [S + 1]
/// (see ops::linear_scan) -> [tokens, H].
class SequenceLayer : public Module {
 public:
  /// Written as the equations.
  virtual Variable mix_composed(const Variable& x, const IndexTensor& offsets,
                                const ForwardContext& context) const = 0;
  /// The same by the fused operations.
  virtual Variable mix(const Variable& x, const IndexTensor& offsets,
                       const ForwardContext& context) const = 0;
  /// Outside training: mix for the last token of each sequence alone, [S, H], with the same bits. No sequence
  /// may be empty.
  virtual Variable mix_last(const Variable& x, const IndexTensor& offsets) const;

  /// Inference event by event (nn/layers.h). prepare_steps() comes before the first step.
  virtual void prepare_steps() {}
  /// The states of n sequences before any token, [n, K].
  virtual Tensor initial_state(std::int64_t n) const = 0;
  /// One token of each of n sequences, x: [n, H] -> [n, H]. `state`, [n, K] and dense, is overwritten with
  /// the state after the token.
  virtual Tensor step(const Tensor& x, const Tensor& state) const = 0;

  /// By what each channel of the state is multiplied from one token to the next, c128 [channels] on the CPU.
  /// Undefined where that depends on the tokens, or where channels mix.
  virtual Tensor eigenvalues() const { return {}; }
};

/// The row of the last token of each sequence, i64 [S], on the device of the offsets (i64 [S + 1]). An empty
/// sequence is an error.
IndexTensor last_tokens(const IndexTensor& offsets);

}  // namespace lrurec::nn
