#include "docs/study/exercises/check.h"

#include <fmt/core.h>

#include <cmath>
#include <functional>

#include "exercise.h"

namespace study {
namespace {

const std::vector<double> moduli{0.5, 0.8, 0.9, 0.95, 0.99};
const std::vector<double> small{1e-9, 1e-12};  ///< nu of lambdas close to 1

/// The variance that the state has in the end: v = |lambda|^2 v + gamma^2, step by step.
double variance(double modulus, double gamma) {
  double v = 0;
  for (int t = 0; t < 5000; ++t) v = modulus * modulus * v + gamma * gamma;
  return v;
}

std::vector<double> of_moduli(const std::function<double(double)>& formula) {
  std::vector<double> values;
  for (const double r : moduli) values.push_back(formula(r));
  return values;
}

std::vector<Mistake> mistakes() {
  return {
      {"nothing fills the hole yet: gamma_log is 0, gamma is 1.", of_moduli([](double) { return 0.0; })},
      {"gamma is 1 - |lambda|^2 here, without the root: the variance has gamma^2 as its factor.",
       of_moduli([](double r) { return std::log(1 - r * r); })},
      {"gamma is sqrt(1 - |lambda|) here: variances shrink by |lambda|^2 a step.",
       of_moduli([](double r) { return 0.5 * std::log(1 - r); })},
      {"gamma is 1 - |lambda| here: that keeps the mean of a constant input, not the variance.",
       of_moduli([](double r) { return std::log(1 - r); })},
      {"this is gamma; gamma_log is its logarithm.",
       of_moduli([](double r) { return std::sqrt(1 - r * r); })},
      {"this is log(gamma) with the wrong sign: gamma = 1 / sqrt(1 - |lambda|^2) makes the state larger "
       "still.",
       of_moduli([](double r) { return -0.5 * std::log(1 - r * r); })},
      {"nu_log was taken for nu: |lambda| = exp(-exp(nu_log)).", of_moduli([](double r) {
         const double nu_log = std::log(-std::log(r));
         return 0.5 * std::log(1 - std::exp(-2 * nu_log));
       })},
  };
}

void check(Check& check) {
  std::vector<double> nu_log = of_moduli([](double r) { return std::log(-std::log(r)); });
  for (const double nu : small) nu_log.push_back(std::log(nu));
  const std::vector<double> found = gamma_log(nu_log);
  if (!check.length("gamma_log", nu_log.size(), found.size())) return;

  for (std::size_t d = 0; d < moduli.size(); ++d) {
    check.near("variance of the state", fmt::format("channel {} (|lambda| = {})", d, moduli[d]), 1,
               variance(moduli[d], std::exp(found[d])));
  }
  if (check.failures() > 0) {
    if (!check.recognise(std::span(found).first(moduli.size()), mistakes())) {
      check.hint("solve gamma^2 / (1 - |lambda|^2) = 1 for gamma, then take its logarithm.");
    }
    return;
  }
  for (std::size_t k = 0; k < small.size(); ++k) {
    const std::size_t d = moduli.size() + k;
    const auto exact =
        static_cast<double>(0.5L * std::log(-std::expm1(-2.0L * std::exp(std::log(small[k])))));
    check.near("gamma_log", fmt::format("channel {} (nu = {})", d, small[k]), exact, found[d], 1e-11);
  }
  if (check.failures() > 0) {
    check.hint(
        "the formula is right, but 1 - exp(-2 nu) loses digits where exp(-2 nu) is close to 1: use "
        "std::expm1.");
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(3, study::check); }
