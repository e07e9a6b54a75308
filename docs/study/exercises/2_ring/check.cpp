#include "docs/study/exercises/check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

constexpr double r_min = 0.8, r_max = 0.99;
constexpr double pi = std::numbers::pi;

using Formula = std::function<double(double)>;

std::vector<double> of(const std::vector<double>& u, const Formula& formula) {
  std::vector<double> values;
  for (const double x : u) values.push_back(formula(x));
  return values;
}

/// log(nu) where the square of the modulus is `squared`.
double log_nu(double squared) { return std::log(-0.5 * std::log(squared)); }

std::vector<Mistake> mistakes_of_nu(const std::vector<double>& u) {
  const auto right = [](double x) { return r_min * r_min + x * (r_max * r_max - r_min * r_min); };
  const auto between = [](double x) { return r_min + x * (r_max - r_min); };
  return {
      {"nothing fills the hole yet: nu_log is 0 everywhere.", of(u, [](double) { return 0.0; })},
      {"here |lambda| is uniform; the area of a ring grows with the radius, so |lambda|^2 must be uniform.",
       of(u, [&](double x) { return log_nu(between(x) * between(x)); })},
      {"here |lambda|^2 runs from r_min to r_max; it must run from r_min^2 to r_max^2.",
       of(u, [&](double x) { return log_nu(between(x)); })},
      {"here |lambda| is the number that |lambda|^2 should be: nu = -log|lambda| = -log(|lambda|^2) / 2.",
       of(u, [&](double x) { return std::log(-std::log(right(x))); })},
      {"nu_log is NaN, the logarithm of a negative number: |lambda| = exp(-nu), so nu = -log|lambda|, with "
       "the "
       "minus.",
       of(u, [](double) { return std::nan(""); })},
      {"this is nu; nu_log is its logarithm.", of(u, [&](double x) { return -0.5 * std::log(right(x)); })},
      {"this is -nu, the logarithm of |lambda|; nu_log is the logarithm of nu.",
       of(u, [&](double x) { return 0.5 * std::log(right(x)); })},
  };
}

std::vector<Mistake> mistakes_of_theta(const std::vector<double>& u) {
  return {
      {"nothing fills the hole yet: theta_log is 0 everywhere.", of(u, [](double) { return 0.0; })},
      {"this is theta; theta_log is its logarithm.", of(u, [](double x) { return 2 * pi * x; })},
      {"here theta is in degrees; it must be in radians, from 0 to 2 pi.",
       of(u, [](double x) { return std::log(360 * x); })},
      {"here theta runs from -pi to pi, and the logarithm of a negative number is NaN; it must run from 0 to "
       "2 pi.",
       of(u, [](double x) { return std::log(pi * (2 * x - 1)); })},
      {"here theta runs to pi, the upper half of the ring; it must run to 2 pi.",
       of(u, [](double x) { return std::log(pi * x); })},
      {"here theta runs to 1; it must run to 2 pi.", of(u, [](double x) { return std::log(x); })},
  };
}

void check(Check& check) {
  constexpr std::size_t channels = 4096;
  const lrurec::Philox random(1, 0);
  std::vector<double> u1{0.5, 0.001, 0.25, 0.75, 0.999}, u2{0.125, 0.001, 0.25, 0.5, 0.999};
  const std::size_t listed = u1.size();
  for (std::uint64_t d = 0; u1.size() < channels; ++d) {
    u1.push_back(random.uniform(2 * d));
    u2.push_back(random.uniform(2 * d + 1));
  }
  const Ring found = ring(r_min, r_max, u1, u2);
  if (!check.length("nu_log", channels, found.nu_log.size()) ||
      !check.length("theta_log", channels, found.theta_log.size())) {
    return;
  }

  const auto modulus_squared = [&](std::size_t d) { return std::exp(-2 * std::exp(found.nu_log[d])); };
  for (std::size_t d = 0; d < listed; ++d) {
    const double squared = r_min * r_min + u1[d] * (r_max * r_max - r_min * r_min);
    check.near("|lambda|^2", fmt::format("channel {} (u1 = {})", d, u1[d]), squared, modulus_squared(d));
  }
  const std::int64_t wrong_moduli = check.failures();
  for (std::size_t d = 0; d < listed; ++d) {
    check.near("theta", fmt::format("channel {} (u2 = {})", d, u2[d]), 2 * pi * u2[d],
               std::exp(found.theta_log[d]));
  }
  const std::int64_t wrong_angles = check.failures() - wrong_moduli;

  // The identity behind the formula: rings of equal area and sectors of equal angle hold equally many.
  std::vector<double> rings(4), sectors(4);
  for (std::size_t d = 0; d < channels; ++d) {
    const double ring = (modulus_squared(d) - r_min * r_min) / (r_max * r_max - r_min * r_min);
    const double sector = std::exp(found.theta_log[d]) / (2 * pi);
    if (ring >= 0 && ring < 1) rings[static_cast<std::size_t>(4 * ring)] += 1.0 / channels;
    if (sector >= 0 && sector < 1) sectors[static_cast<std::size_t>(4 * sector)] += 1.0 / channels;
  }
  for (std::size_t k = 0; k < 4; ++k) {
    check.near("share of 4096 channels", fmt::format("ring {} of 4 rings of equal area", k), 0.25, rings[k],
               0.03);
    check.near("share of 4096 channels", fmt::format("sector {} of 4", k), 0.25, sectors[k], 0.03);
  }

  if (check.failures() == 0) {
    constexpr double inner = 0.3, outer = 0.5;
    const Ring other = ring(inner, outer, u1, u2);
    if (!check.length("nu_log", channels, other.nu_log.size())) return;
    for (std::size_t d = 0; d < listed; ++d) {
      check.near("|lambda|^2", fmt::format("another ring, channel {} (u1 = {})", d, u1[d]),
                 inner * inner + u1[d] * (outer * outer - inner * inner),
                 std::exp(-2 * std::exp(other.nu_log[d])));
    }
    if (check.failures() > 0) {
      check.hint(
          "the ring from 0.8 to 0.99 is right, that from 0.3 to 0.5 is not: r_min and r_max are arguments.");
    }
    return;
  }
  if (wrong_moduli > 0 && !check.recognise(found.nu_log, mistakes_of_nu(u1))) {
    check.hint("begin with channel 0: u1 = 0.5 lies at the middle of the squares, (0.64 + 0.9801) / 2.");
  }
  if (wrong_angles > 0 && !check.recognise(found.theta_log, mistakes_of_theta(u2)) && wrong_moduli == 0) {
    check.hint("|lambda|^2 is right; theta must be 2 pi u2, in radians.");
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(2, study::check); }
