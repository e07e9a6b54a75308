#pragma once
// exp, sin, erf, ... under one name for everything that a formula works on: scalars, xsimd batches, complex
// numbers, numbers in a CUDA kernel. Also formulas that several kernels share.

#include "tensor/cuda/element.h"
#include "tensor/host_device.h"

#ifdef __CUDACC__

#include <cuda/std/cmath>
#include <cuda/std/complex>

namespace lrurec::formulas {

using ::cosh, ::erf, ::expm1, ::fma, ::log1p, ::pow, ::sinh;
using ::cuda::std::abs, ::cuda::std::cos, ::cuda::std::exp, ::cuda::std::log, ::cuda::std::sin,
    ::cuda::std::sqrt, ::cuda::std::tanh;

template <class T>
LRUREC_HOST_DEVICE T choose(bool condition, const T& x, const T& y) {
  return condition ? x : y;
}
template <class T>
LRUREC_HOST_DEVICE T whole_exp(const T& x) {
  return exp(x);
}
template <class T>
LRUREC_HOST_DEVICE T whole_erf(const T& x) {
  return erf(x);
}
template <class T>
LRUREC_HOST_DEVICE T whole_expm1(const T& x) {
  return expm1(x);
}
template <class T>
LRUREC_HOST_DEVICE T whole_log(const T& x) {
  return log(x);
}
/// The library's log |z| has few digits where |z| is near 1. Here |z|^2 - 1 = (a - 1) (a + 1) + b^2.
template <class R>
LRUREC_HOST_DEVICE cuda::complex<R> whole_log(const cuda::complex<R>& z) {
  const cuda::complex<R> y = log(z);
  if (!(abs(y.real()) < R(0.5))) return y;
  const R re = abs(z.real()), im = abs(z.imag()), a = re > im ? re : im, b = re > im ? im : re;
  return {log1p(fma(a - R(1), a + R(1), b * b)) / R(2), y.imag()};
}
template <class T>
LRUREC_HOST_DEVICE T whole_log1p(const T& x) {
  return log1p(x);
}
template <class T>
LRUREC_HOST_DEVICE T whole_tanh(const T& x) {
  return tanh(x);
}
/// The library's cosh 2x + cos 2y has few digits near a pole. It is 2 (sinh^2 x + cos^2 y).
template <class R>
LRUREC_HOST_DEVICE cuda::complex<R> whole_tanh(const cuda::complex<R>& z) {
  if (!(abs(z.real()) < R(20))) return tanh(z);  // squares may overflow
  const R s = sinh(z.real()), c = cos(z.imag()), below = s * s + c * c;
  return {s * cosh(z.real()) / below, sin(z.imag()) * c / below};
}

}  // namespace lrurec::formulas

#else

#include <array>
#include <cmath>

#include "ops/primitives/f32_functions.h"
#include "ops/primitives/simd.h"

namespace lrurec::formulas {

using lrurec::choose;
using std::abs, std::cos, std::exp, std::log, std::sin, std::sqrt, std::tanh, std::erf, std::expm1,
    std::log1p, std::pow;
using xsimd::abs, xsimd::cos, xsimd::exp, xsimd::log, xsimd::sin, xsimd::sqrt, xsimd::tanh, xsimd::erf,
    xsimd::log1p;

using lrurec::whole_exp;
template <class T>
T whole_exp(const T& x) {
  return exp(x);
}

template <class T>
T whole_erf(const T& x) {
  return erf(x);
}
template <class A>
LRUREC_INLINE xsimd::batch<float, A> whole_erf(const xsimd::batch<float, A>& x) {
  return erf_and_gauss(x).erf;
}
/// One lane after the other by the standard library: xsimd's is up to 34 ulps off.
template <class A>
LRUREC_INLINE xsimd::batch<double, A> whole_erf(const xsimd::batch<double, A>& x) {
  std::array<double, xsimd::batch<double, A>::size> lanes;
  x.store_unaligned(lanes.data());
  for (double& lane : lanes) lane = std::erf(lane);
  return xsimd::batch<double, A>::load_unaligned(lanes.data());
}

template <class T>
T whole_expm1(const T& x) {
  return expm1(x);
}
/// xsimd's overflows a little too early, like its exp; for such x the 1 makes no difference. For -0 it is -0.
template <class T, class A>
LRUREC_INLINE xsimd::batch<T, A> whole_expm1(const xsimd::batch<T, A>& x) {
  using Batch = xsimd::batch<T, A>;
  const Batch y =
      choose(x > Batch(T(80)), whole_exp(x), xsimd::expm1(choose(x > Batch(T(80)), Batch(T(80)), x)));
  return choose(x == Batch(T(0)), x, y);
}

template <class T>
T whole_log(const T& x) {
  return log(x);
}
/// xsimd's is wrong for denormal numbers, so they are multiplied by 2^54 first.
template <class A>
LRUREC_INLINE xsimd::batch<double, A> whole_log(const xsimd::batch<double, A>& x) {
  using Batch = xsimd::batch<double, A>;
  const auto denormal = x < Batch(0x1p-1022);
  const Batch y = xsimd::log(choose(denormal, x * Batch(0x1p54), x));
  return choose(denormal, y - Batch(37.429947750237046), y);
}

template <class T>
T whole_tanh(const T& x) {
  return tanh(x);
}

template <class T>
T whole_log1p(const T& x) {
  return log1p(x);
}
/// For -0 it is -0.
template <class T, class A>
LRUREC_INLINE xsimd::batch<T, A> whole_log1p(const xsimd::batch<T, A>& x) {
  return choose(x == xsimd::batch<T, A>(T(0)), x, xsimd::log1p(x));
}

}  // namespace lrurec::formulas

#endif

#ifndef LRUREC_INLINE
#define LRUREC_INLINE __attribute__((always_inline)) inline
#endif

namespace lrurec::formulas {

/// -x, which is -0 for 0.
template <class T>
LRUREC_HOST_DEVICE LRUREC_INLINE T negate(const T& x) {
  return -x;
}
#ifndef __CUDACC__
/// With AVX-512, xsimd 8 computes 0 - x, which is 0 for 0.
template <class T, class A>
LRUREC_INLINE xsimd::batch<T, A> negate(const xsimd::batch<T, A>& x) {
  return x * xsimd::batch<T, A>(T(-1));
}
#endif

/// Phi(z) = (1 + erf(z / sqrt 2)) / 2, the standard normal distribution function.
template <class T>
LRUREC_HOST_DEVICE LRUREC_INLINE T normal_cdf(const T& z) {
  return T(0.5) * (T(1) + whole_erf(z * T(0.70710678118654752440)));
}

/// z Phi(z), with the exact erf (not the tanh approximation).
template <class T>
LRUREC_HOST_DEVICE LRUREC_INLINE T gelu(const T& z) {
  return z * normal_cdf(z);
}

template <class T>
struct GeluAndSlope {
  T gelu, slope;
};

/// gelu'(z) = Phi(z) + z phi(z), phi(z) = exp(-z^2 / 2) / sqrt(2 pi).
template <class T>
LRUREC_HOST_DEVICE LRUREC_INLINE GeluAndSlope<T> gelu_and_slope(const T& z) {
  const T cdf = normal_cdf(z);
  return {z * cdf, cdf + z * T(0.39894228040143267794) * exp(z * z * T(-0.5))};
}
#ifndef __CUDACC__
template <class A>
LRUREC_INLINE GeluAndSlope<xsimd::batch<float, A>> gelu_and_slope(const xsimd::batch<float, A>& z) {
  using Batch = xsimd::batch<float, A>;
  const ErfAndGauss<A> at = erf_and_gauss(z * Batch(0.70710678F));
  const Batch cdf = Batch(0.5F) * (Batch(1.F) + at.erf);
  return {z * cdf, cdf + z * Batch(0.39894228F) * at.gauss};
}
#endif

template <class T>
LRUREC_HOST_DEVICE LRUREC_INLINE T gelu_slope(const T& z) {
  return gelu_and_slope(z).slope;
}

template <class T>
LRUREC_HOST_DEVICE LRUREC_INLINE T sigmoid(const T& x) {
  return T(1) / (T(1) + exp(-x));
}

/// a^b. For complex numbers e^(b log a), the principal branch, with a^0 = 1, and 0^b = 0 where Re b > 0.
template <class T>
LRUREC_HOST_DEVICE T whole_pow(const T& a, const T& b) {
  if constexpr (cuda::is_complex_element<T>) {
    if (b == T(0)) return T(1);
    return a == T(0) && b.real() > 0 ? T(0) : exp(b * whole_log(a));
  } else {
    return pow(a, b);
  }
}

/// Whether a is 0 and b a real number >= 0. There the derivative of a^b by b is 0, although log a is not
/// finite.
template <class T>
LRUREC_HOST_DEVICE auto is_power_of_zero(const T& a, const T& b) {
  if constexpr (cuda::is_complex_element<T>) {
    return a == T(0) && b.imag() == 0 && b.real() >= 0;
  } else {
    return (a == T(0)) & (b >= T(0));
  }
}

#ifndef __CUDACC__
/// One lane after the other by the standard library: xsimd's is e^(b log a), several digits short.
template <class T, class A>
xsimd::batch<T, A> whole_pow(const xsimd::batch<T, A>& a, const xsimd::batch<T, A>& b) {
  std::array<T, xsimd::batch<T, A>::size> x, y;
  a.store_unaligned(x.data()), b.store_unaligned(y.data());
  for (std::size_t lane = 0; lane < x.size(); ++lane) x[lane] = std::pow(x[lane], y[lane]);
  return xsimd::batch<T, A>::load_unaligned(x.data());
}
#endif

}  // namespace lrurec::formulas
