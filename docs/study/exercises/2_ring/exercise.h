#pragma once

#include <span>
#include <vector>

namespace study {

struct Ring {
  std::vector<double> nu_log, theta_log;  ///< lambda = exp(-exp(nu_log) + i exp(theta_log)), one a channel
};

Ring ring(double r_min, double r_max, std::span<const double> u1, std::span<const double> u2);

}  // namespace study
