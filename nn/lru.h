#pragma once
// The linear recurrent unit (section 3.2 of the paper).

#include "nn/layers.h"
#include "ops/lru/lru.h"
#include "ops/lru_coefficients/lru_coefficients.h"
#include "tensor/index_tensor.h"

namespace lrurec::nn {

/// Equation 5 for packed sequences, without its residual "+ x_k" (which stands where the norm is, in the
/// block):
///
///   lambda = exp(-exp(nu_log) + i exp(theta_log))
///   h_k    = lambda h_{k-1} + exp(gamma_log) * (B x_k + b_B)
///   y_k    = Re(C h_k + b_C)
///
/// The paper has h_1 = B x_1 and no biases; the published implementation, followed here, applies gamma at
/// every step.
class LRU : public Module {
 public:
  /// H inputs and outputs, D complex channels.
  LRU(std::int64_t hidden, std::int64_t channels, Initializer& init);

  /// lambda: complex [D]
  Variable lambda() const;
  /// The same on the CPU, to look at.
  Tensor lambda_on_host() const;

  /// What a token adds to the state: exp(gamma_log) * (B x_k + b_B), [tokens, H] -> complex [tokens, D].
  Variable input(const Variable& x) const;
  /// What a state says: Re(C h_k + b_C), complex [tokens, D] -> [tokens, H].
  Variable output(const Variable& h) const;

  struct Output {
    Variable y;            ///< [tokens, H]
    Variable final_state;  ///< complex [S, D], h after the last token of each sequence
  };
  /// x: [tokens, H]; offsets: i64 [S + 1] (see ops::linear_scan); initial: complex [S, D] or undefined.
  /// Written as the equation: read this one first.
  Output forward_composed(const Variable& x, const IndexTensor& offsets, const Variable& initial = {}) const;
  /// The same by the fused operation ops::lru, with gamma folded into B.
  Output forward(const Variable& x, const IndexTensor& offsets, const Variable& initial = {}) const;
  /// y of the last token of each sequence, [S, H]; for evaluation. Sequences must not be empty.
  Variable forward_last(const Variable& x, const IndexTensor& offsets) const;

  /// Inference event by event (nn/layers.h): one token of each of n sequences, x: [n, H] -> y: [n, H].
  /// `state`, complex [n, D] and dense, is all there is to know of the past; it becomes the state after the
  /// token.
  void prepare_steps();
  Tensor step(const Tensor& x, const Tensor& state) const;

  Variable nu_log, theta_log, gamma_log;

 private:
  LRU(std::int64_t hidden, std::int64_t channels, const Initializer::Ring& ring, Initializer& init);
  /// lambda, and B and b_B with gamma folded in.
  ops::LruCoefficients coefficients() const;
  ops::raw::PackedLru packed() const;
  ComplexLinear in_proj_, out_proj_;  ///< B and C
  ops::raw::PackedLru packed_;        ///< for steps
};

}  // namespace lrurec::nn
