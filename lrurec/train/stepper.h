#pragma once
// One step of training: batch, loss, backward, clip, AdamW.

#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "lrurec/config/config.h"
#include "lrurec/data/batches.h"
#include "lrurec/data/device_batches.h"
#include "lrurec/model/models.h"
#include "lrurec/train/gpu_ways.h"
#include "nn/optim/adam.h"
#include "nn/optim/schedule.h"
#include "tensor/cuda/graph.h"

namespace lrurec::train {

/// The device of a configuration, ready for products in its precision; errors as require_device.
Device prepare_device(const config::TrainConfig& config);

/// The model, its optimiser and its batches. Step n of a run is a function of (configuration, data, n) and
/// the state after step n - 1.
class Stepper {
 public:
  /// Whether the caller saves checkpoints, so that errors can say what is left of earlier steps.
  enum class Keeps { nothing, checkpoints };
  /// On a CPU, ways other than the defaults are ErrorKind::usage. So are a learning rate that would fall
  /// before its warm-up has ended, and windows of one item.
  Stepper(const config::TrainConfig& config, const data::Dataset& data, const GpuWays& ways = {},
          Keeps keeps = Keeps::nothing);

  struct Result {
    double loss = 0;           ///< mean over the batch's labels
    double gradient_norm = 0;  ///< before clipping
    std::int64_t tokens = 0;
    double learning_rate = 0;
    model::Work work;
  };
  /// Step `step` (from 0). A loss or gradient that is not finite is ErrorKind::non_finite, naming step,
  /// tensor and entry; the model is then as it was.
  Result run(std::int64_t step);
  /// The same in two halves, for many steps at a time. On a GPU start() only sends the step there. An error
  /// comes out of finish(), and steps that were started after the failed one have left the model as it was.
  /// On the CPU start() does everything.
  void start(std::int64_t step);
  /// Results of all steps since the last finish(), in their order.
  std::vector<Result> finish();

  /// What became of steps with GpuWays::graphs. The first step of each bucket is launched, not recorded: it
  /// loads the kernels and allocates the blocks of memory that later steps find.
  struct Graphs {
    std::int64_t buckets = 0, recorded_steps = 0;
    std::int64_t made = 0;  ///< graphs; the other recorded steps updated one
  };
  Graphs graphs() const;

  /// After `steps` steps: weights that no checkpoint may hold are ErrorKind::non_finite. They are weights
  /// that are not finite (the error names tensor and entry) and those with a Model::problem, such as an
  /// eigenvalue of modulus 1. In float32 the modulus rounds to 1 from nu_log = -17.33 (-ln 2^25) down.
  void check_stable(std::int64_t steps) const;

  /// In an epoch.
  std::int64_t examples() const { return batcher_.examples(); }
  std::int64_t steps_per_epoch() const { return batcher_.steps_per_epoch(); }
  /// max_steps, or max_epochs where that is less; `no_limit` where neither limits the steps.
  static constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();
  std::int64_t planned_steps() const;
  double learning_rate(std::int64_t step) const { return config_.learning_rate * schedule_.share(step); }
  Device device() const { return device_; }
  const model::Model& model() const { return *model_; }
  model::Model& model() { return *model_; }
  const nn::Optimizer& optimizer() const { return optimizer_; }
  nn::Optimizer& optimizer() { return optimizer_; }

 private:
  struct Started {
    std::int64_t step, tokens;
    double learning_rate;
    model::Work work;
    nn::ClippedStep clipped;
  };
  /// A learning rate that falls before it has risen, or to an end that there is not, is ErrorKind::usage,
  /// naming the settings.
  void check_schedule() const;
  /// Packed on the CPU, or on a GPU from the training sequences that lie there.
  data::BatchTensors batch(std::int64_t epoch, std::int64_t index);
  /// All of a step but its batch: loss, backward, clip, AdamW.
  Started send(std::int64_t step, const data::BatchTensors& inputs);
  /// The same, recorded and started as one graph.
  Started send_recorded(std::int64_t step, const data::BatchTensors& inputs);
  Variable loss(const data::BatchTensors& batch, std::int64_t step) const;
  /// "parameter X at entry N", or "" where all are finite.
  std::string first_broken_parameter() const;
  [[noreturn]] void fail_non_finite(std::int64_t step, const std::string& what) const;

  const config::TrainConfig config_;
  const GpuWays ways_;
  const Keeps keeps_;
  const data::Dataset& data_;
  const Device device_;
  data::Batcher batcher_;
  std::optional<data::DeviceBatches> on_gpu_;
  std::unique_ptr<model::Model> model_;
  nn::AdamW optimizer_;
  nn::LrSchedule schedule_;
  std::vector<Started> started_;
  std::map<StepBucket, cuda::Graph> graphs_;
  std::int64_t recorded_steps_ = 0;
};

}  // namespace lrurec::train
