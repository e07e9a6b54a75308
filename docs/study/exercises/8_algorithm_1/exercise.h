#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace study {

/// A complex number whose additions are counted: a multiply-add has one. `pow(lambda, n)` is there, too.
struct Complex {
  std::complex<double> value;

  inline static std::int64_t additions = 0;

  Complex(double re = 0) : value(re) {}
  Complex(std::complex<double> z) : value(z) {}

  friend Complex operator+(Complex a, Complex b) {
    ++additions;
    return a.value + b.value;
  }
  friend Complex operator*(Complex a, Complex b) { return a.value * b.value; }
  friend Complex pow(Complex a, double n) { return std::pow(a.value, n); }
  Complex& operator+=(Complex b) { return *this = *this + b; }
  Complex& operator*=(Complex b) { return *this = *this * b; }
};

/// All rows after each round.
std::vector<std::vector<Complex>> rounds(Complex lambda, std::span<const Complex> x);

}  // namespace study
