#include <cmath>
#include <numbers>

#include "exercise.h"

namespace study {

Ring ring(double r_min, double r_max, std::span<const double> u1, std::span<const double> u2) {
  Ring result;
  for (std::size_t d = 0; d < u1.size(); ++d) {
    const double squared = r_min * r_min + u1[d] * (r_max * r_max - r_min * r_min);
    const double nu = -0.5 * std::log(squared);  // |lambda| = exp(-nu), so |lambda|^2 = exp(-2 nu)
    result.nu_log.push_back(std::log(nu));
    result.theta_log.push_back(std::log(2 * std::numbers::pi * u2[d]));
  }
  return result;
}

}  // namespace study
