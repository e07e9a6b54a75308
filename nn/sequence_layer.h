#pragma once
// What mixes the tokens of a sequence in a block: the LRU, or what stands in its place.

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
  /// Outside training: of the last token of each sequence, [S, H], the same bits. No sequence is empty.
  virtual Variable mix_last(const Variable& x, const IndexTensor& offsets) const;

  /// Inference event by event (nn/layers.h): the states of n sequences before any token, [n, K], and one
  /// token of each, x: [n, H] -> [n, H]; `state`, dense, becomes the state after it.
  virtual void prepare_steps() {}
  virtual Tensor initial_state(std::int64_t n) const = 0;
  virtual Tensor step(const Tensor& x, const Tensor& state) const = 0;
};

/// The row of the last token of each sequence, i64 [S], on the device of the offsets (i64 [S + 1]). An empty
/// sequence is an error.
IndexTensor last_tokens(const IndexTensor& offsets);

}  // namespace lrurec::nn
