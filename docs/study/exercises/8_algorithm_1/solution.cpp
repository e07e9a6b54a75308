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
  for (std::size_t half = 1; half < padded; half *= 2) {
    for (std::size_t start = 0; start < padded; start += 2 * half) {
      const Complex carried = h[start + half - 1];  // the last row of the first half
      Complex power = lambda;
      for (std::size_t i = 0; i < half; ++i, power *= lambda) h[start + half + i] += power * carried;
    }
    result.emplace_back(h.begin() + pad, h.begin() + pad + std::ssize(x));
  }
  return result;
}

}  // namespace study
