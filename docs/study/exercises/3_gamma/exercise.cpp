// Exercise 3: gamma, which keeps the state at the size of its input.
//
// For h_t = lambda h_{t-1} + gamma x_t with independent x_t of variance 1, the variance of the state goes to
//
//   gamma^2 (1 + |lambda|^2 + |lambda|^4 + ...) = gamma^2 / (1 - |lambda|^2).
//
// Choose gamma so that it goes to 1, and give gamma_log = log(gamma). nu_log is what the model keeps of
// lambda: |lambda| = exp(-nu), nu = exp(nu_log). It must also be exact where |lambda| is close to 1, such as
// for nu = 1e-9, where 1 - |lambda|^2 loses half its digits.
//
// Check it: tools/study.sh check 3

#include "exercise.h"

#include <cmath>

namespace study {

std::vector<double> gamma_log(std::span<const double> nu_log) {
  std::vector<double> result(nu_log.size());
  for (std::size_t d = 0; d < nu_log.size(); ++d) {
    // YOUR CODE: result[d] from nu_log[d]
  }
  return result;
}

}  // namespace study
