// Exercise 5: AdamW's decoupled weight decay.
//
// Below is step n (from 1) of Adam with bias correction, for parameters p with gradients g:
//
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   p = p - lr (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + eps)
//
// AdamW shrinks p towards 0 as well, beside the adaptive step and not through it:
//
//   p = p - lr weight_decay p - (the step above),   with the p of before the step on the right
//
// Check it: tools/study.sh check 5

#include "exercise.h"

#include <cmath>

namespace study {

void adamw_step(const Settings& settings, std::int64_t n, std::span<double> p, std::span<const double> g,
                std::span<double> m, std::span<double> v) {
  const auto [lr, beta1, beta2, eps, weight_decay] = settings;
  const double correction1 = 1 - std::pow(beta1, n), correction2 = 1 - std::pow(beta2, n);
  for (std::size_t i = 0; i < p.size(); ++i) {
    m[i] = beta1 * m[i] + (1 - beta1) * g[i];
    v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
    // YOUR CODE: the decay; this is Adam without any
    p[i] -= lr * (m[i] / correction1) / (std::sqrt(v[i] / correction2) + eps);
  }
}

}  // namespace study
