#pragma once
// How long a training may still take.

#include <cstdint>
#include <vector>

namespace lrurec::train {

/// An estimate from the steps and validation rounds that are left, if nothing ends the training early. Each
/// counts as the median of the last ones, so that a busy moment of the machine does not spoil the estimate.
class TimeLeft {
 public:
  explicit TimeLeft(std::int64_t validate_every) : validate_every_(validate_every) {}

  void add_step(double seconds, std::int64_t tokens) {
    add(steps_, seconds);
    add(tokens_, static_cast<double>(tokens));
  }
  void add_round(double seconds) { add(rounds_, seconds); }

  double step_seconds() const;
  /// Of the last steps together: the batch that ends an epoch is smaller, and as fast.
  double tokens_per_second() const;
  /// Whether a round was timed yet. Until then seconds() leaves rounds out.
  bool knows_rounds() const { return !rounds_.empty(); }
  /// After `step` of `planned` steps, in seconds.
  double seconds(std::int64_t step, std::int64_t planned) const;

 private:
  static void add(std::vector<double>& last, double seconds);
  /// One every validate_every steps, and one at the end.
  std::int64_t rounds_left(std::int64_t step, std::int64_t planned) const;

  std::int64_t validate_every_;
  // Of the last ones.
  std::vector<double> steps_, rounds_;  ///< seconds
  std::vector<double> tokens_;          ///< of each of steps_
};

}  // namespace lrurec::train
