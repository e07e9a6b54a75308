#pragma once
// exp and erf for vectors of f32: polynomials that are just as accurate as f32, on the range that is needed.
// e^(-x^2) comes with erf instead of being computed twice. The coefficients are from
// tools/reference/minimax.py, and tests/ops/primitives/f32_functions_test.cpp measures the errors against
// long double.

#include <cstddef>
#include <cstdint>

#include "ops/primitives/simd.h"

namespace lrurec {

/// c[0] + c[1] x + c[2] x^2 + ...
template <std::size_t N, class A>
LRUREC_INLINE xsimd::batch<float, A> polynomial(const float (&c)[N], const xsimd::batch<float, A>& x) {
  xsimd::batch<float, A> sum(c[N - 1]);
#pragma GCC unroll 8
  for (std::size_t k = N - 1; k > 0; --k) sum = multiply_add(sum, x, xsimd::batch<float, A>(c[k - 1]));
  return sum;
}

/// e^x for x < 88, within 1 ulp where e^x is at least 2^-126 (1.2 without fused multiply-adds); smaller
/// results are 0 or denormal. NaN stays NaN, infinity becomes NaN. x = n ln 2 + r, |r| <= ln 2 / 2, and e^x =
/// 2^n e^r.
template <class A>
LRUREC_INLINE xsimd::batch<float, A> fast_exp(const xsimd::batch<float, A>& x) {
  using Batch = xsimd::batch<float, A>;
  constexpr float c[] = {1.F, 1.F, 0.49999994F, 0.16666520F, 0.041668393F, 0.0083687808F, 0.0013814467F};
  // Added to a number below 2^22, this leaves the nearest whole number plus 127 in the low bits. Shifted to
  // the place of the exponent they are 2^n.
  const Batch magic(12582912.F + 127.F);
  const Batch bounded = xsimd::max(Batch(-88.F), x);  // 2^-127 comes out as 0; of a NaN, max takes the second
  const Batch shifted = multiply_add(bounded, Batch(1.44269504F), magic), n = shifted - magic;
  const Batch rest = multiply_add(n, Batch(-1.42860677e-6F), multiply_add(n, Batch(-0.693145752F), bounded));
  const Batch power =
      xsimd::bitwise_cast<Batch>(xsimd::bitwise_cast<xsimd::batch<std::int32_t, A>>(shifted) << 23);
  return polynomial(c, rest) * power;
}

template <class A>
struct ErfAndGauss {
  xsimd::batch<float, A> erf, gauss;
};

/// erf(x) within 1.5 ulp, and e^(-x^2). Below 1 erf(x) = x + x p(x^2), from there on 1 - e^(-x^2) m(x) with
/// m = erfc(x) e^(x^2), which hardly changes.
template <class A>
LRUREC_INLINE ErfAndGauss<A> erf_and_gauss(const xsimd::batch<float, A>& x) {
  using Batch = xsimd::batch<float, A>;
  constexpr float p[] = {0.12837917F,   -0.37612626F,    0.11283585F,    -0.026853813F,
                         0.0051883277F, -0.00080101937F, 0.000078538615F};
  constexpr float m[] = {0.98629183F, -1.0489546F,   0.79400706F,   -0.43313783F,
                         0.16501752F, -0.041312475F, 0.0060658152F, -0.00039379129F};
  const Batch square = x * x, size = xsimd::abs(x);
  const Batch gauss = fast_exp(-square);
  const Batch near = multiply_add(x, polynomial(p, square), x);
  const Batch far = Batch(1.F) - gauss * polynomial(m, xsimd::min(size, Batch(4.F)));  // erf(4) is 1
  return {choose(size < Batch(1.F), near, xsimd::copysign(far, x)), gauss};
}

}  // namespace lrurec
