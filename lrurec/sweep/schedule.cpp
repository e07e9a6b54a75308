#include "lrurec/sweep/schedule.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace lrurec::sweep {

Schedule::Schedule(std::vector<double> bytes, std::int64_t jobs, double limit)
    : bytes_(std::move(bytes)), state_(bytes_.size(), State::waiting), jobs_(jobs), limit_(limit) {}

std::optional<std::size_t> Schedule::start() {
  if (at_work_ == jobs_) return std::nullopt;
  for (std::size_t run = 0; run < state_.size(); ++run) {
    if (state_[run] != State::waiting || used_ + bytes_[run] > limit_) continue;
    state_[run] = State::working;
    used_ += bytes_[run];
    ++at_work_;
    return run;
  }
  return std::nullopt;
}

void Schedule::finish(std::size_t run) {
  state_[run] = State::done;
  used_ -= bytes_[run];
  if (--at_work_ == 0) used_ = 0;  // no rounding stays behind
}

std::int64_t most_at_once(std::vector<double> bytes, std::int64_t jobs, double limit) {
  std::sort(bytes.begin(), bytes.end());
  std::int64_t count = 0;
  double used = 0;
  for (const double run : bytes) {
    used += run;
    if (count == jobs || used > limit) break;
    ++count;
  }
  return count;
}

double run_memory(double peak, double parameters, const RunKind& kind) {
  // A sampled validation round holds 4 million candidates as lists, numbers and scores.
  const double validation = kind.sampled_evaluation ? 224e6 : 96e6;
  return 1.1 * (peak + (kind.averaged ? 32 : 24) * parameters + validation);
}

double available_memory() {
  std::ifstream in("/proc/meminfo");
  for (std::string name; in >> name;) {
    double kibibytes = 0;
    if (name == "MemAvailable:" && in >> kibibytes) return 1024 * kibibytes;
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

}  // namespace lrurec::sweep
