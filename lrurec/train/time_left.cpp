#include "lrurec/train/time_left.h"

#include <numeric>

#include "lrurec/util/median.h"

namespace lrurec::train {

void TimeLeft::add(std::vector<double>& last, double seconds) {
  last.push_back(seconds);
  if (last.size() > 51) last.erase(last.begin());
}

std::int64_t TimeLeft::rounds_left(std::int64_t step, std::int64_t planned) const {
  if (step >= planned) return 0;
  const std::int64_t at_the_end = planned % validate_every_ == 0 ? 0 : 1;
  return planned / validate_every_ - step / validate_every_ + at_the_end;
}

double TimeLeft::step_seconds() const { return util::median(steps_); }

double TimeLeft::tokens_per_second() const {
  const double seconds = std::accumulate(steps_.begin(), steps_.end(), 0.0);
  return seconds > 0 ? std::accumulate(tokens_.begin(), tokens_.end(), 0.0) / seconds : 0;
}

double TimeLeft::seconds(std::int64_t step, std::int64_t planned) const {
  return step_seconds() * static_cast<double>(planned - step) +
         util::median(rounds_) * static_cast<double>(rounds_left(step, planned));
}

}  // namespace lrurec::train
