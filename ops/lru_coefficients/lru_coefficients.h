#pragma once
// The numbers of a linear recurrent unit from its parameters (equation 5 of the paper).

#include "autograd/variable.h"

namespace lrurec::ops {

struct LruCoefficients {
  Variable lambda;  ///< complex [D]
  Variable B;       ///< complex [D, H], gamma folded in
  Variable b;       ///< complex [D], gamma folded in
};

/// lambda = exp(-exp(nu_log) + i exp(theta_log));  B'_d = gamma_d B_d, b'_d = gamma_d b_d with
/// gamma = exp(gamma_log), since gamma * (B x + b) = B' x + b'.
///
/// nu_log, theta_log, gamma_log: [D], f32 or f64; B: [D, H], b: [D], of the matching complex dtype.
///
/// Backward, with dz = dlambda conj(lambda):
///
///   dnu_log = -exp(nu_log) Re(dz),  dtheta_log = exp(theta_log) Im(dz)
///   dB = gamma dB',  db = gamma db'
///   dgamma_log = gamma (sum_h Re(conj(B_h) dB'_h) + Re(conj(b) db'))
///
/// On a CPU this runs the passes of the composition. On a GPU it is one kernel each way, where the
/// composition would launch 8 small ones.
LruCoefficients lru_coefficients(const Variable& nu_log, const Variable& theta_log, const Variable& gamma_log,
                                 const Variable& B, const Variable& b);
/// The same by elementwise operations, written as the equation.
LruCoefficients lru_coefficients_composed(const Variable& nu_log, const Variable& theta_log,
                                          const Variable& gamma_log, const Variable& B, const Variable& b);

}  // namespace lrurec::ops
