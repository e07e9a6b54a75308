#include <cmath>

#include "exercise.h"

namespace study {

std::vector<double> gamma_log(std::span<const double> nu_log) {
  std::vector<double> result(nu_log.size());
  for (std::size_t d = 0; d < nu_log.size(); ++d) {
    const double nu = std::exp(nu_log[d]);
    // log sqrt(1 - exp(-2 nu)); expm1(x) is exp(x) - 1 without the cancellation.
    result[d] = 0.5 * std::log(-std::expm1(-2 * nu));
  }
  return result;
}

}  // namespace study
