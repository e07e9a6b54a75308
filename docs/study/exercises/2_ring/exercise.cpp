// Exercise 2: the ring initialisation.
//
// Draw eigenvalues lambda = exp(-nu + i theta) uniformly from the ring r_min <= |lambda| <= r_max. A point is
// uniform in area when its squared modulus is uniform: the area within radius r is pi r^2.
//
//   |lambda|^2 = r_min^2 + u1 (r_max^2 - r_min^2),   theta = 2 pi u2,   u1, u2 uniform in (0, 1)
//
// The model keeps nu_log = log(nu) and theta_log = log(theta). Give both, for each pair of u1 and u2.
//
// Check it: tools/study.sh check 2

#include "exercise.h"

#include <cmath>
#include <numbers>

namespace study {

Ring ring(double r_min, double r_max, std::span<const double> u1, std::span<const double> u2) {
  Ring result;
  for (std::size_t d = 0; d < u1.size(); ++d) {
    double nu_log = 0, theta_log = 0;
    // YOUR CODE: nu_log and theta_log from r_min, r_max, u1[d] and u2[d]
    result.nu_log.push_back(nu_log);
    result.theta_log.push_back(theta_log);
  }
  return result;
}

}  // namespace study
