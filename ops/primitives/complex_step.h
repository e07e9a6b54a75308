#pragma once
// The step of the linear recurrence over a row of D complex channels, for CPU kernels. It is written on real
// and imaginary parts, since compilers vectorise these but not std::complex.

#include <cstdint>

namespace lrurec {

/// Real and imaginary part side by side, as std::complex has them: row [D, 2].
struct InterleavedParts {
  static std::int64_t re(std::int64_t d) { return 2 * d; }
  static std::int64_t im(std::int64_t d) { return 2 * d + 1; }
};

/// D real parts, then D imaginary parts, as real products compute them: row [2, D].
struct PlanarParts {
  std::int64_t D;
  std::int64_t re(std::int64_t d) const { return d; }
  std::int64_t im(std::int64_t d) const { return D + d; }
};

/// to = lambda * state + x; with `conj`, to = conj(lambda) * state + x: the same step backwards in time, as
/// gradients take it. `to` may be x. All rows have the same parts.
template <bool conj, class Parts, class R>
void complex_step(Parts parts, std::int64_t D, const R* lambda, const R* state, const R* x, R* to) {
#pragma omp simd
  for (std::int64_t d = 0; d < D; ++d) {
    const std::int64_t re = parts.re(d), im = parts.im(d);
    const R lambda_re = lambda[re], lambda_im = conj ? -lambda[im] : lambda[im];
    const R step_re = lambda_re * state[re] - lambda_im * state[im] + x[re];
    const R step_im = lambda_re * state[im] + lambda_im * state[re] + x[im];
    to[re] = step_re;
    to[im] = step_im;
  }
}

}  // namespace lrurec
