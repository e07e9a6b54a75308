#include "nn/optim/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/error.h"

namespace lrurec::nn {

bool LrSchedule::is_possible() const {
  return shape == Shape::constant || decay_steps >= std::max<std::int64_t>(warmup_steps, 1);
}

double LrSchedule::share(std::int64_t step) const {
  if (!is_possible()) {
    fail(ErrorKind::usage,
         "the learning rate falls until step decay_steps = {}, which cannot be before the warm-up's end, "
         "warmup_steps = {}",
         decay_steps, warmup_steps);
  }
  if (step < warmup_steps) return static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  if (shape == Shape::constant) return 1;
  if (step >= decay_steps) return final_share;
  const double t = static_cast<double>(step - warmup_steps) / static_cast<double>(decay_steps - warmup_steps);
  const double left = shape == Shape::linear ? 1 - t : (1 + std::cos(std::numbers::pi * t)) / 2;
  return final_share + (1 - final_share) * left;
}

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names{"constant", "linear", "cosine"};
  return names;
}

LrSchedule::Shape parse_schedule(const std::string& name) {
  const auto& names = schedule_names();
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) {
    fail(ErrorKind::usage, "there is no learning-rate schedule '{}'; there are {}", name,
         fmt::join(names, ", "));
  }
  return static_cast<LrSchedule::Shape>(it - names.begin());
}

}  // namespace lrurec::nn
