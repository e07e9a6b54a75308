#include "exercise.h"

namespace study {

Gradients backward(std::span<const Complex> lambda, std::span<const Complex> h, Complex initial,
                   std::span<const Complex> dh) {
  const std::size_t L = lambda.size();
  Gradients gradients{std::vector<Complex>(L), std::vector<Complex>(L), 0};
  Complex later = 0;  // what h_t owes to h_{t+1}
  for (std::size_t t = L; t-- > 0;) {
    const Complex g = dh[t] + later;
    const Complex before = t > 0 ? h[t - 1] : initial;
    gradients.x[t] = g;
    gradients.lambda[t] = g * std::conj(before);
    later = std::conj(lambda[t]) * g;
  }
  gradients.initial = later;
  return gradients;
}

}  // namespace study
