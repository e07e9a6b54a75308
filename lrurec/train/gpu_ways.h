#pragma once
// Ways of a training step on a GPU.

#include <compare>
#include <cstdint>

#include "ops/linear_cross_entropy/head_algorithm.h"

namespace lrurec::train {

/// Ways that differ in speed, not in what is trained: what is built and proven, but not yet measured, is
/// chosen here, by `lrurec bench train` and `lrurec check training`. A training has the defaults.
struct GpuWays {
  ops::HeadOptions head{};
  bool graphs = false;    ///< steps are recorded, and started as one CUDA graph each
  int update_pieces = 1;  ///< blocks of threads that share out AdamW's block of a parameter

  friend bool operator==(const GpuWays&, const GpuWays&) = default;
};

/// Sizes of a step, rounded up to one of eight for each power of two, as blocks of memory are. Steps of one
/// bucket take the same blocks and, but for choices inside of cuBLAS, the same kernels: they share a graph.
struct StepBucket {
  std::int64_t tokens = 0, sequences = 0;

  static StepBucket of(std::int64_t tokens, std::int64_t sequences);
  friend auto operator<=>(const StepBucket&, const StepBucket&) = default;
};

}  // namespace lrurec::train
