#pragma once
// Which runs of a sweep may be at work at once.

#include <cstdint>
#include <optional>
#include <vector>

namespace lrurec::sweep {

/// Starts runs in their order, as many at once as jobs and memory allow. A run that is too large for now lets
/// smaller ones go first.
class Schedule {
 public:
  /// `bytes`: memory of each run. A run larger than `limit` would never start; the caller makes sure that
  /// there is none.
  Schedule(std::vector<double> bytes, std::int64_t jobs, double limit);

  /// Starts the next run that may start now, and returns it; nothing if none may.
  std::optional<std::size_t> start();
  void finish(std::size_t run);
  std::int64_t at_work() const { return at_work_; }

 private:
  enum class State { waiting, working, done };
  std::vector<double> bytes_;
  std::vector<State> state_;
  std::int64_t jobs_, at_work_ = 0;
  double limit_, used_ = 0;
};

/// The most runs that can be at work at once: the smallest ones, as far as `jobs` and `limit` go.
std::int64_t most_at_once(std::vector<double> bytes, std::int64_t jobs, double limit);

/// How many bytes a run counts for, rather too many than too few:
///
///   1.1 (peak + 24 parameters + 96 MB), with averaged weights 32 parameters, with sampled validation 224 MB
///
/// `peak`: the most memory of a process that made a few steps of the run. Saving adds two copies of the
/// weights and of both moments (4 + 8 bytes a parameter, once as records and once as the bytes of the file).
/// A validation round adds its scores and features, which evaluation keeps to a fixed number. `parameters`: a
/// complex one counts as two.
struct RunKind {
  bool averaged = false, sampled_evaluation = false;
};
double run_memory(double peak, double parameters, const RunKind& kind = {});

/// Memory that the machine has free for new programs, in bytes.
double available_memory();

}  // namespace lrurec::sweep
