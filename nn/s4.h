#pragma once
// The structured state space layer S4 (Gu et al., 2022), whose matrix is diagonal plus low rank.

#include <complex>
#include <vector>

#include "nn/state_space.h"
#include "ops/dplr_ssm/dplr_ssm.h"

namespace lrurec::nn {

/// HiPPO-LegS, the matrix that S4 begins with, in the basis where it is diagonal minus P P^*:
/// A = V (diag(Lambda) - P P^*) V^*, with B in that basis. One of each conjugate pair, sorted by frequency.
struct LegS {
  std::vector<std::complex<double>> Lambda, P, B;  ///< [N]
  std::vector<std::complex<double>> V;             ///< [2 N, N], its eigenvectors, row by row
};
/// 2 `pairs` real states: A_nk = -sqrt((2n + 1)(2k + 1)) below the diagonal, -(n + 1) on it, 0 above;
/// B_n = sqrt(2n + 1).
LegS legs(std::int64_t pairs);

/// For each channel, with both halves of its states, discretised by the bilinear rule:
///
///   A = diag(Lambda) - P P^*,  Lambda = -exp(a) + i w
///   s_t = (1 - Delta/2 A)^-1 ((1 + Delta/2 A) s_{t-1} + Delta B u_t)
///   ssm_t = 2 Re(sum_n C_n s_t)
///
/// The inverse of a diagonal plus rank 1 matrix is one too (Sherman and Morrison). With
///
///   d = 1 / (1 - Delta/2 Lambda)
///   k = 1 / (1 + Delta Re sum |P|^2 d)
///
/// a step is that of ops::dplr_ssm with
///
///   a = (1 + Delta/2 Lambda) d
///   e = Delta/2 P d
///   f = 2 k conj(P) d
///   b = Delta B d - e k 2 Re sum(conj(P) Delta B d)
///
/// The published code makes a convolution kernel from the same numbers, for all L places at once. Here the
/// recurrence itself runs, so sequences are packed and of any length, and a session can keep its states.
class S4 : public StateSpace {
 public:
  /// Every channel begins with HiPPO-LegS.
  S4(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init);

  static double real_parameters(double H) {
    return StateSpace::real_parameters(H) + 6 * H * static_cast<double>(states);
  }

 protected:
  Variable ssm(const Variable& x, const IndexTensor& offsets) const override;
  Variable ssm_composed(const Variable& x, const IndexTensor& offsets) const override;
  Tensor ssm_step(const Tensor& x, const IndexTensor& offsets, const Tensor& state) const override;

 private:
  ops::DplrMatrices discrete() const;

  Variable log_decay_, frequency_;  ///< a and w, [H, N]
  Variable P_, B_;                  ///< complex [H, N]
};

}  // namespace lrurec::nn
