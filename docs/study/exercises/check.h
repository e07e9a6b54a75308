#pragma once
// What the checks of the exercises share: comparing, recognising common mistakes, the report.

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace study {

/// What a common mistake gives on the same inputs, and what to say to whoever made it.
struct Mistake {
  std::string hint;
  std::vector<double> values;
};

class Check {
 public:
  /// Passes when |actual - expected| <= tolerance * max(1, |expected|). `where` names the index.
  void near(const std::string& what, const std::string& where, double expected, double actual,
            double tolerance = 1e-9);
  void near(const std::string& what, const std::string& where, std::complex<double> expected,
            std::complex<double> actual, double tolerance = 1e-9);
  /// Whether the learner's function gave as many numbers as it should; no index is looked at otherwise.
  bool length(const std::string& what, std::size_t expected, std::size_t actual);
  /// Checks that were made elsewhere: how many, and a sentence for each that failed.
  void passed(std::int64_t count) { checks_ += count; }
  void failure(const std::string& sentence);

  std::int64_t failures() const { return static_cast<std::int64_t>(failures_.size()); }
  /// Adds the hint of the first mistake that gives the values that the learner's function gave; whether there
  /// was one.
  bool recognise(std::span<const double> actual, const std::vector<Mistake>& mistakes);
  /// Each sentence once.
  void hint(const std::string& sentence);

 private:
  friend int run(int exercise, void (*check)(Check&));
  int report(int exercise) const;

  std::int64_t checks_ = 0;
  std::vector<std::string> failures_, hints_;
};

/// Runs a check and prints "exercise N: right, K checks", or what is wrong. The exit code: 0 right, 1 wrong.
int run(int exercise, void (*check)(Check&));

/// Real and imaginary parts one after the other.
std::vector<double> parts(std::span<const std::complex<double>> z);

}  // namespace study
