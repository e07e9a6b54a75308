#pragma once

#include <complex>
#include <span>
#include <vector>

namespace study {

using Complex = std::complex<double>;

struct Gradients {
  std::vector<Complex> lambda, x;  ///< of each token
  Complex initial;
};

Gradients backward(std::span<const Complex> lambda, std::span<const Complex> h, Complex initial,
                   std::span<const Complex> dh);

}  // namespace study
