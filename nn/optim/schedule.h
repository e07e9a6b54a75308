#pragma once
// Learning rates that change from step to step.

#include <cstdint>
#include <string>
#include <vector>

namespace lrurec::nn {

/// The share of the full learning rate that each step has. It rises linearly over `warmup_steps`, to 1 at the
/// last of them. Then it stays at 1 (constant), or falls to `final_share` at step `decay_steps` and stays
/// there: linearly (linear), or along half a wave, final + (1 - final) (1 + cos(pi t)) / 2 (cosine;
/// Loshchilov & Hutter 2017, without restarts).
///
/// Steps count from 0, as in PyTorch's schedulers. So the last step of a training of `decay_steps` has a
/// little more than `final_share`, and two steps have 1: the last of the warm-up and the one after it.
struct LrSchedule {
  enum class Shape { constant, linear, cosine };
  Shape shape = Shape::constant;
  std::int64_t warmup_steps = 0;
  std::int64_t decay_steps = 0;  ///< the whole length, warm-up included; not used by constant
  double final_share = 0;

  /// Whether it falls no earlier than it has risen; otherwise share() throws ErrorKind::usage.
  bool is_possible() const;
  /// The share of a step, counted from 0.
  double share(std::int64_t step) const;
};

/// "constant", "linear" or "cosine"; anything else throws ErrorKind::usage, naming these.
LrSchedule::Shape parse_schedule(const std::string& name);
const std::vector<std::string>& schedule_names();

}  // namespace lrurec::nn
