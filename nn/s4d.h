#pragma once
// The diagonal state space layer S4D (Gu et al., 2022).

#include "nn/state_space.h"

namespace lrurec::nn {

/// A state space with a diagonal matrix, so that states do not mix:
///
///   A = -exp(a) + i w,  lambda = exp(Delta A),  B = (lambda - 1) / A        (zero-order hold)
///   s_t = lambda s_{t-1} + B u_t,  ssm_t = 2 Re(sum_n C_n s_t)
///
/// B is folded into C: the state that is kept is s / B.
class S4D : public StateSpace {
 public:
  /// S4D-Lin: Re A = -1/2, w_n = pi n.
  S4D(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init);

  static double real_parameters(double H) {
    return StateSpace::real_parameters(H) + 2 * H * static_cast<double>(states);
  }

  /// lambda of every state, [H N].
  Tensor eigenvalues() const override;

 protected:
  Variable ssm(const Variable& x, const IndexTensor& offsets) const override;
  Variable ssm_composed(const Variable& x, const IndexTensor& offsets) const override;
  Tensor ssm_step(const Tensor& x, const IndexTensor& offsets, const Tensor& state) const override;

 private:
  struct Discrete {
    Variable lambda, c;  ///< complex [H, N]; c = C B
  };
  Discrete discrete() const;

  Variable log_decay_, frequency_;  ///< a and w, [H, N]
};

}  // namespace lrurec::nn
