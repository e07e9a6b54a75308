#pragma once

#include <cstdint>
#include <span>

namespace study {

struct Settings {
  double lr, beta1, beta2, eps, weight_decay;
};

void adamw_step(const Settings& settings, std::int64_t n, std::span<double> p, std::span<const double> g,
                std::span<double> m, std::span<double> v);

}  // namespace study
