#pragma once
// The gated recurrent unit as a layer.

#include "nn/init.h"
#include "nn/module.h"
#include "ops/gru/gru.h"
#include "tensor/index_tensor.h"

namespace lrurec::nn {

/// ops::gru of W x + b, with `in` inputs and H outputs. The outputs are the states.
class GRU : public Module {
 public:
  /// Weights and biases begin normal with sigma 1 / sqrt(3 H), cut at two sigma: the standard deviation of
  /// the usual uniform(-1 / sqrt H, 1 / sqrt H).
  GRU(std::int64_t in, std::int64_t hidden, Initializer& init);

  struct Output {
    Variable h;            ///< [tokens, H]
    Variable final_state;  ///< [S, H], after the last token of each sequence
  };
  /// x: [tokens, in]; offsets: i64 [S + 1] (see ops::linear_scan); initial: [S, H], or undefined for zeros.
  /// Computed token by token, as the equations are written.
  Output forward_composed(const Variable& x, const IndexTensor& offsets, const Variable& initial = {}) const;
  /// The same by the fused operation.
  Output forward(const Variable& x, const IndexTensor& offsets, const Variable& initial = {}) const;
  /// Inference event by event: one token of each of n sequences, x: [n, in] -> [n, H]. `state`, [n, H] and
  /// dense, is overwritten with the state after the token, which is also the output.
  Tensor step(const Tensor& x, const Tensor& state) const;

  Variable input_weight, input_bias;          ///< W: [3 H, in], b: [3 H]
  Variable recurrent_weight, recurrent_bias;  ///< U: [3 H, H], c: [H]
};

}  // namespace lrurec::nn
