#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace study {

using Complex = std::complex<double>;

std::vector<Complex> scan(Complex lambda, std::span<const Complex> x, std::span<const std::int64_t> offsets,
                          std::span<const Complex> initial);

}  // namespace study
