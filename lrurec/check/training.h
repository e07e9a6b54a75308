#pragma once
// Training on a GPU, compared with the same training on the CPU and with itself.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lrurec/config/config.h"
#include "lrurec/data/dataset.h"
#include "lrurec/train/gpu_ways.h"

namespace lrurec::check {

/// What one step gave on both devices.
struct StepPair {
  std::int64_t step = 0;  ///< from 1
  double cpu_loss = 0, gpu_loss = 0, cpu_norm = 0, gpu_norm = 0;
  double tolerance = 0;
  /// |difference of the losses| / the CPU's
  double difference() const;
  bool ok() const { return difference() <= tolerance; }  // false for a NaN
};

/// How far losses may be apart: rounding grows with the steps, since Adam divides small gradients by small
/// numbers. TF32 keeps 10 bits of a float's 23.
double training_tolerance(bool tf32);

/// `steps` steps from the same weights, batches and masks, on the CPU and on config.device. `show` is called
/// after each.
std::vector<StepPair> check_training(const config::TrainConfig& config, const data::Dataset& data,
                                     std::int64_t steps, const std::function<void(const StepPair&)>& show,
                                     const train::GpuWays& ways = {});

/// The same training `repeats` times on config.device, compared bit by bit: losses, norms and final
/// parameters. The first training uses only `ways.head`, the later ones all of `ways`, since the rest must
/// not change the bits. Returns the first difference in words, or an empty text.
std::string check_repeats(const config::TrainConfig& config, const data::Dataset& data, std::int64_t steps,
                          std::int64_t repeats, const train::GpuWays& ways = {});

}  // namespace lrurec::check
