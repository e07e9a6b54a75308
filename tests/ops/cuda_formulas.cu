// The elementwise formulas as nvcc compiles them, run on the host: complex numbers of kernels are another
// library's than those of the CPU, and should be as good. tools/check_cuda.sh builds and runs it.

#include <cmath>
#include <complex>
#include <cstdio>

#include "ops/elementwise/rows.h"

namespace {

namespace formulas = lrurec::formulas;
using lrurec::cuda::complex;

int failures = 0;

template <class R>
void expect(bool good, const char* what, complex<R> z, complex<R> found) {
  if (good) return;
  ++failures;
  std::printf("%s of (%.17g, %.17g) is (%.17g, %.17g)\n", what, double(z.real()), double(z.imag()),
              double(found.real()), double(found.imag()));
}

/// The same as the host's library in long double, to some ulps of the modulus.
template <class Row, class R, class F>
void expect_as_on_the_host(F expected, R re, R im) {
  const complex<R> z(re, im), found = Row::f(z);
  const std::complex<long double> right = expected(std::complex<long double>(re, im)),
                                  wrong = right - std::complex<long double>(found.real(), found.imag());
  expect(std::abs(wrong) <= 8 * std::numeric_limits<R>::epsilon() * std::abs(right), Row::name, z, found);
}

template <class R>
void digits() {
  const auto log = [](auto z) { return std::log(z); };
  const auto tanh = [](auto z) { return std::tanh(z); };
  for (const R small : {R(0), R(1e-12), R(1e-5), R(1e-3), R(0.1)}) {
    for (const R re : {R(1), R(-1), R(0.6), R(1.6), R(0.3), R(3), R(1) + small, R(1) - small}) {
      if (re != R(1) || small != R(0)) expect_as_on_the_host<formulas::log_row>(log, re, small);
      expect_as_on_the_host<formulas::log_row>(log, small, re);
    }
    expect_as_on_the_host<formulas::log_row>(log, R(0.6), R(0.8) + small);
    // Beside the pole i pi / 2, and far from it.
    for (const R im : {R(1.5707963267948966), R(1.5707), R(-1.6), R(0.5), R(3)}) {
      expect_as_on_the_host<formulas::tanh_row>(tanh, small, im);
      expect_as_on_the_host<formulas::tanh_row>(tanh, R(-5), im);
      expect_as_on_the_host<formulas::tanh_row>(tanh, R(30), im);
    }
    expect_as_on_the_host<formulas::tanh_row>(tanh, small, R(0));
  }
}

template <class R>
void poles() {
  const auto is_nan = [](complex<R> z) { return std::isnan(z.real()) && std::isnan(z.imag()); };
  const complex<R> zero(0, 0), one(1, 1);
  const auto pole = [&](const char* what, complex<R> found) { expect(is_nan(found), what, zero, found); };
  pole("(1 + i) / 0", formulas::div_row::f(one, zero));
  pole("reciprocal", formulas::reciprocal_row::f(zero));
  pole("log'", formulas::log_row::df(zero, formulas::log_row::f(zero)));
  pole("sqrt'", formulas::sqrt_row::df(zero, formulas::sqrt_row::f(zero)));
}

}  // namespace

int main() {
  digits<float>(), digits<double>();
  poles<float>(), poles<double>();
  if (failures == 0) std::puts("formulas of kernels: ok");
  return failures == 0 ? 0 : 1;
}
