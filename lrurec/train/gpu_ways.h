#pragma once
// Ways of a training step on a GPU.

#include <compare>
#include <cstdint>

#include "ops/linear_cross_entropy/head_algorithm.h"

namespace lrurec::train {

/// Choices that differ in speed, not in what is trained. `lrurec bench train` and `lrurec check training` can
/// choose ways that are built and tested, but not yet measured. A training has the defaults.
struct GpuWays {
  ops::HeadOptions head{};
  bool graphs = false;    ///< steps are recorded, and started as one CUDA graph each
  int update_pieces = 1;  ///< see nn::AdamOptions::gpu_pieces

  friend bool operator==(const GpuWays&, const GpuWays&) = default;
};

/// Sizes of a step, rounded up as blocks of memory are: to one of eight sizes for each power of two. Steps of
/// one bucket take the same blocks and, except for choices inside cuBLAS, the same kernels. So they share a
/// graph.
struct StepBucket {
  std::int64_t tokens = 0, sequences = 0;

  static StepBucket of(std::int64_t tokens, std::int64_t sequences);
  friend auto operator<=>(const StepBucket&, const StepBucket&) = default;
};

}  // namespace lrurec::train
