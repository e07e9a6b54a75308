#include "exercise.h"

namespace study {

std::vector<Complex> scan(Complex lambda, std::span<const Complex> x, std::span<const std::int64_t> offsets,
                          std::span<const Complex> initial) {
  std::vector<Complex> h(x.size());
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    Complex state = initial[s];
    for (auto t = static_cast<std::size_t>(offsets[s]); t < static_cast<std::size_t>(offsets[s + 1]); ++t) {
      state = lambda * state + x[t];
      h[t] = state;
    }
  }
  return h;
}

}  // namespace study
