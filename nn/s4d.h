#pragma once
// The diagonal state space layer S4D (Gu et al., 2022).

#include "nn/layers.h"
#include "nn/sequence_layer.h"

namespace lrurec::nn {

/// For each of H channels N = 32 complex states, the half of 64 that are conjugate in pairs:
///
///   A = -exp(a) + i w,  lambda = exp(Delta A),  B = (lambda - 1) / A        (zero-order hold)
///   s_t = lambda s_{t-1} + B u_t,  y_t = 2 Re(sum_n C_n s_t) + D u_t
///   out = GLU(W dropout(gelu(y)) + b),  GLU(p, q) = p sigmoid(q)
///
/// B is folded into C. The state is complex [n, H N], s / B of every channel.
class S4D : public SequenceLayer {
 public:
  /// S4D-Lin: Re A = -1/2, w_n = pi n; Delta log-uniform in [.001, .1]; C and D normal.
  S4D(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init);

  Variable mix_composed(const Variable& x, const IndexTensor& offsets,
                        const ForwardContext& context) const override;
  Variable mix(const Variable& x, const IndexTensor& offsets, const ForwardContext& context) const override;
  Tensor initial_state(std::int64_t n) const override;
  Tensor step(const Tensor& x, const Tensor& state) const override;

  static constexpr std::int64_t states = 32;
  static double real_parameters(double H) {
    return H * (2 + 4 * static_cast<double>(states)) + 2 * H * H + 2 * H;
  }

 private:
  struct Discrete {
    Variable lambda, c;  ///< complex [H, N]; c = C B
  };
  Discrete discrete() const;
  Variable gated(const Variable& y, const ForwardContext& context) const;

  Variable log_step_;               ///< log Delta, [H]; like A without weight decay
  Variable log_decay_, frequency_;  ///< a and w, [H, N]
  Variable C_, D_;                  ///< complex [H, N], [H]
  Linear output_;                   ///< H -> 2 H
  Dropout dropout_;
};

}  // namespace lrurec::nn
