#include "docs/study/exercises/check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <exception>

namespace study {
namespace {

std::string text(double x) { return fmt::format("{:.10g}", x); }
std::string text(std::complex<double> z) { return fmt::format("{:.8g}{:+.8g}i", z.real(), z.imag()); }

/// NaN and infinities are like themselves, so that a mistake that gives them is recognised.
bool alike(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b));
}

template <class T>
std::string difference(const std::string& what, const std::string& where, T expected, T actual,
                       double tolerance) {
  const bool near = std::abs(actual - expected) <= tolerance * std::max(1.0, std::abs(expected));
  if (near) return "";
  return fmt::format("{}, {}: expected {}, got {}", what, where, text(expected), text(actual));
}

}  // namespace

void Check::near(const std::string& what, const std::string& where, double expected, double actual,
                 double tolerance) {
  ++checks_;
  const std::string sentence = difference(what, where, expected, actual, tolerance);
  if (!sentence.empty()) failures_.push_back(sentence);
}

void Check::near(const std::string& what, const std::string& where, std::complex<double> expected,
                 std::complex<double> actual, double tolerance) {
  ++checks_;
  const std::string sentence = difference(what, where, expected, actual, tolerance);
  if (!sentence.empty()) failures_.push_back(sentence);
}

bool Check::length(const std::string& what, std::size_t expected, std::size_t actual) {
  if (expected == actual) return true;
  failure(fmt::format("{}: expected {} numbers, got {}", what, expected, actual));
  return false;
}

void Check::failure(const std::string& sentence) {
  ++checks_;
  failures_.push_back(sentence);
}

void Check::hint(const std::string& sentence) {
  if (std::find(hints_.begin(), hints_.end(), sentence) == hints_.end()) hints_.push_back(sentence);
}

bool Check::recognise(std::span<const double> actual, const std::vector<Mistake>& mistakes) {
  for (const auto& mistake : mistakes) {
    if (std::equal(actual.begin(), actual.end(), mistake.values.begin(), mistake.values.end(), alike)) {
      hint(mistake.hint);
      return true;
    }
  }
  return false;
}

int Check::report(int exercise) const {
  if (failures_.empty()) {
    fmt::print("exercise {}: right, {} checks\n", exercise, checks_);
    return 0;
  }
  constexpr std::size_t shown = 4;
  fmt::print("exercise {}: wrong, {} of {} checks failed\n", exercise, failures_.size(), checks_);
  for (std::size_t i = 0; i < std::min(shown, failures_.size()); ++i) fmt::print("  {}\n", failures_[i]);
  if (failures_.size() > shown) fmt::print("  and {} more\n", failures_.size() - shown);
  for (const auto& sentence : hints_) fmt::print("  hint: {}\n", sentence);
  return 1;
}

int run(int exercise, void (*check)(Check&)) {
  Check result;
  try {
    check(result);
  } catch (const std::exception& e) {
    result.failure(fmt::format("an error was thrown: {}", e.what()));
  }
  return result.report(exercise);
}

std::vector<double> parts(std::span<const std::complex<double>> z) {
  std::vector<double> flat;
  for (const auto& value : z) {
    flat.push_back(value.real());
    flat.push_back(value.imag());
  }
  return flat;
}

}  // namespace study
