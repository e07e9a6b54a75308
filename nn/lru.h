#pragma once
// The linear recurrent unit (section 3.2 of the paper).

#include "nn/layers.h"
#include "nn/prepared.h"
#include "nn/sequence_layer.h"
#include "ops/lru/lru.h"
#include "ops/lru_coefficients/lru_coefficients.h"
#include "tensor/index_tensor.h"

namespace lrurec::nn {

/// Equation 5 for packed sequences, without its residual "+ x_k", which the block adds together with its
/// norm:
///
///   lambda = exp(-exp(nu_log) + i exp(theta_log))
///   h_k    = lambda h_{k-1} + exp(gamma_log) * (B x_k + b_B)
///   y_k    = Re(C h_k + b_C)
///
/// The paper has h_1 = B x_1, without gamma, and no biases. The published implementation, which this follows,
/// applies gamma at every step and has biases.
class LRU : public SequenceLayer {
 public:
  /// H inputs and outputs, D complex channels. nu_log, theta_log and gamma_log begin as Initializer::ring.
  LRU(std::int64_t hidden, std::int64_t channels, Initializer& init,
      WeightScale scale = WeightScale::published);
  /// The same with a ring of D channels that was drawn before, as with other radii.
  LRU(std::int64_t hidden, std::int64_t channels, const Initializer::Ring& ring, Initializer& init,
      WeightScale scale = WeightScale::published);

  /// lambda: complex [D]
  Variable lambda() const;
  /// The same on the CPU, to look at.
  Tensor lambda_on_host() const;
  Tensor eigenvalues() const override { return lambda_on_host().to(DType::c128); }

  /// gamma |B_d| |C_d| of each channel d, f64 [D] on the CPU: how strongly the channel passes a token on to
  /// the output of the same step.
  Tensor gains_on_host() const;

  /// What a token adds to the state: exp(gamma_log) * (B x_k + b_B), [tokens, H] -> complex [tokens, D].
  Variable input(const Variable& x) const;
  /// The output of a state: Re(C h_k + b_C), complex [tokens, D] -> [tokens, H].
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

  /// SequenceLayer: y alone. Its state is complex [n, D], the h of the paper; steps have the bits of mix.
  Variable mix_composed(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const override {
    return forward_composed(x, offsets).y;
  }
  Variable mix(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const override {
    return forward(x, offsets).y;
  }
  Variable mix_last(const Variable& x, const IndexTensor& offsets) const override;
  void prepare_steps() override;
  Tensor initial_state(std::int64_t n) const override;
  Tensor step(const Tensor& x, const Tensor& state) const override;

  Variable nu_log, theta_log, gamma_log;

 private:
  /// lambda, and B and b_B with gamma folded in.
  ops::LruCoefficients coefficients() const;
  ops::raw::PackedLru packed() const;
  ComplexLinear in_proj_, out_proj_;  ///< B and C
  ops::raw::PackedLru packed_;        ///< for steps
  Prepared prepared_;                 ///< the weights that packed_ was made from
};

}  // namespace lrurec::nn
