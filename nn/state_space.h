#pragma once
// State space layers: what S4D and S4 have in common.

#include "nn/layers.h"
#include "nn/sequence_layer.h"

namespace lrurec::nn {

/// A linear state space with N = 32 complex states for each of H channels, and a gate after it. The 32 states
/// stand for 64 in conjugate pairs.
///
///   y = ssm(x) + D x
///   out = GLU(W dropout(gelu(y)) + b),  GLU(p, q) = p sigmoid(q)
///
/// The state is complex [n, H N].
class StateSpace : public SequenceLayer {
 public:
  Variable mix_composed(const Variable& x, const IndexTensor& offsets,
                        const ForwardContext& context) const override;
  Variable mix(const Variable& x, const IndexTensor& offsets, const ForwardContext& context) const override;
  Tensor initial_state(std::int64_t n) const override;
  Tensor step(const Tensor& x, const Tensor& state) const override;

  static constexpr std::int64_t states = 32;
  /// Real numbers in C, D, log Delta and the gate, the parameters that S4D and S4 share.
  static double real_parameters(double H) {
    return H * (2 + 2 * static_cast<double>(states)) + 2 * H * H + 2 * H;
  }

 protected:
  /// Delta log-uniform in [.001, .1]; C and D normal.
  StateSpace(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init);

  virtual Variable ssm(const Variable& x, const IndexTensor& offsets) const = 0;
  virtual Variable ssm_composed(const Variable& x, const IndexTensor& offsets) const = 0;
  /// One token of each sequence; `state` is overwritten with the state after it.
  virtual Tensor ssm_step(const Tensor& x, const IndexTensor& offsets, const Tensor& state) const = 0;

  /// Delta of each channel, [H, 1].
  Variable step() const;

  Variable log_step_;  ///< log Delta, [H]; without weight decay, like all parameters of the states' matrix
  Variable C_, D_;     ///< complex [H, N], [H]

 private:
  Variable gated(const Variable& y, const ForwardContext& context) const;

  Linear output_;  ///< H -> 2 H
  Dropout dropout_;
};

}  // namespace lrurec::nn
