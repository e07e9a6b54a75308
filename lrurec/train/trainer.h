#pragma once
// The training loop.

#include <chrono>
#include <functional>
#include <optional>

#include "lrurec/eval/sampled.h"
#include "lrurec/train/run_folder.h"
#include "lrurec/train/stepper.h"
#include "lrurec/train/weight_average.h"

namespace lrurec::train {

/// What the loop tells the outside.
struct StepEvent {
  std::int64_t step = 0, planned = 0;  ///< planned: the last step there can be, or Stepper::no_limit
  double loss = 0, gradient_norm = 0;
  std::int64_t tokens = 0;
  double seconds = 0;
};
struct ValidationEvent {
  std::int64_t step = 0;
  const eval::Evaluation* evaluation = nullptr;
  bool best = false;
  double seconds = 0;
};
struct Events {
  std::function<void(const StepEvent&)> on_step = [](const StepEvent&) {};
  std::function<void(const ValidationEvent&)> on_validation = [](const ValidationEvent&) {};
  /// Asked after every step, unless that step has ended the run. True saves the run and ends it, to be
  /// resumed later.
  std::function<bool()> stop_requested = [] { return false; };
};

/// Checks that validation rounds are possible. Data without a validation target are ErrorKind::data naming
/// `place`; more eval_negatives than items are ErrorKind::usage.
void check_validation(const config::TrainConfig& config, const data::Dataset& data, const std::string& place);

/// Trains a model on a data set, in a run folder. The loop for step n = 1, 2, ...:
/// batch, loss, backward, clip, AdamW; every validate_every steps (and at step 0) a validation round and a
/// checkpoint. It ends after max_epochs or max_steps, or after `patience` rounds without a better Recall@10.
/// Of each, 0 is no limit: without any it goes on until a stop is requested. The best round is the one of the
/// highest Recall@10, among equal ones of the highest NDCG@10: where there are few items or candidates, every
/// round may hit all targets. With eval_negatives, both are the sampled ones; with validate_users they are of
/// the same users in every round; `mask` takes the same items out of the candidates as in `evaluate`.
class Trainer {
 public:
  Trainer(const config::TrainConfig& config, const data::Dataset& data, const RunFolder& folder,
          Events events = {});

  /// Continues from a checkpoint. One of other data or settings is ErrorKind::file; one that is already
  /// further than the planned steps is ErrorKind::usage.
  void resume(const Checkpoint& checkpoint, const std::string& path);
  /// For a resumed run whose best weights are gone: the next round counts as the best, whatever the lost one
  /// reached.
  void replace_best() { best_is_lost_ = true; }

  /// Runs to the end or until a stop is requested; last.ckpt then holds the state. A loss or gradient that is
  /// not finite is ErrorKind::non_finite, naming step, tensor and entry; nothing of that step is kept.
  const Progress& run();

  const Progress& progress() const { return progress_; }
  const model::Model& model() const { return stepper_.model(); }
  /// What is validated and kept as best: the model, or its average (TrainConfig::average).
  const model::Model& validated() const { return average_ ? average_->model() : model(); }
  std::int64_t planned_steps() const { return stepper_.planned_steps(); }

 private:
  void train_step();
  /// Logs and reports the steps that were started and not yet looked at. On a GPU this waits for them.
  void collect();
  eval::Evaluation evaluate() const;
  /// Only regular rounds count for patience: those that an uninterrupted run has too.
  enum class Round { regular, at_the_end };
  void validate(Round round);
  /// What a checkpoint is for: to go on from, or to keep what was validated.
  enum class Purpose { to_resume, best };
  Checkpoint snapshot(Purpose purpose) const;

  config::TrainConfig config_;
  const data::Dataset& data_;
  const RunFolder& folder_;
  Events events_;
  Stepper stepper_;
  std::optional<WeightAverage> average_;
  std::vector<std::int64_t> validation_users_;
  Progress progress_;
  bool best_is_lost_ = false;
  std::int64_t collected_ = 0;  ///< steps that collect() has seen
  std::chrono::steady_clock::time_point collected_at_;
  double seconds_sum_ = 0;          ///< of the steps since the last line of the log
  std::int64_t seconds_count_ = 0;  ///< and how many they were
};

}  // namespace lrurec::train
