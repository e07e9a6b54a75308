#include "lrurec/train/gpu_ways.h"

#include <algorithm>
#include <bit>

namespace lrurec::train {
namespace {

std::int64_t rounded_up(std::int64_t n) {
  const auto below = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(n)));
  const std::int64_t step = std::max<std::int64_t>(below / 8, 1);
  return (n + step - 1) / step * step;
}

}  // namespace

StepBucket StepBucket::of(std::int64_t tokens, std::int64_t sequences) {
  return {rounded_up(tokens), rounded_up(sequences)};
}

}  // namespace lrurec::train
