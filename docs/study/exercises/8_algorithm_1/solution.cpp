#include <algorithm>
#include <iterator>

#include "exercise.h"

namespace study {

std::vector<std::vector<Complex>> rounds(Complex lambda, std::span<const Complex> x) {
  std::size_t padded = 1;
  while (padded < x.size()) padded *= 2;
  const auto pad = static_cast<std::ptrdiff_t>(padded - x.size());
  std::vector<Complex> h(padded);
  std::copy(x.begin(), x.end(), h.begin() + pad);

  std::vector<std::vector<Complex>> result;
  std::vector<Complex> powers{lambda};  // lambda, lambda^2, ..., lambda^half
  for (std::size_t half = 1; half < padded; half *= 2) {
    if (powers.size() < half) {  // doubled: the second half from the first
      const Complex last = powers.back();
      for (std::size_t i = 0, n = powers.size(); i < n; ++i) powers.push_back(powers[i] * last);
    }
    for (std::size_t start = 0; start < padded; start += 2 * half) {
      const Complex carried = h[start + half - 1];  // the last row of the first half
      for (std::size_t i = 0; i < half; ++i) h[start + half + i] += powers[i] * carried;
    }
    result.emplace_back(h.begin() + pad, h.begin() + pad + std::ssize(x));
  }
  return result;
}

}  // namespace study
