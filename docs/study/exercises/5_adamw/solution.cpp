#include <cmath>

#include "exercise.h"

namespace study {

void adamw_step(const Settings& settings, std::int64_t n, std::span<double> p, std::span<const double> g,
                std::span<double> m, std::span<double> v) {
  const auto [lr, beta1, beta2, eps, weight_decay] = settings;
  const double correction1 = 1 - std::pow(beta1, n), correction2 = 1 - std::pow(beta2, n);
  for (std::size_t i = 0; i < p.size(); ++i) {
    m[i] = beta1 * m[i] + (1 - beta1) * g[i];
    v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
    p[i] -= lr * weight_decay * p[i];
    p[i] -= lr * (m[i] / correction1) / (std::sqrt(v[i] / correction2) + eps);
  }
}

}  // namespace study
