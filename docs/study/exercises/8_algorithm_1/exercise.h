#pragma once

#include <complex>
#include <span>
#include <vector>

namespace study {

using Complex = std::complex<double>;

/// All rows after each round.
std::vector<std::vector<Complex>> rounds(Complex lambda, std::span<const Complex> x);

}  // namespace study
