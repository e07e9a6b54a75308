#pragma once
// The state of a training run in one file.

#include <filesystem>
#include <map>
#include <string>

#include "lrurec/config/config.h"
#include "lrurec/model/lrurec.h"
#include "nn/optim/optimizer.h"
#include "nn/serialization/module_file.h"

namespace lrurec::train {

/// Where a run stands beside its weights. Batch order and dropout are functions of seed and step, so nothing
/// else needs to be kept for a bit-exact continuation.
struct Progress {
  std::int64_t step = 0;
  double best_recall = -1;  ///< validation Recall@10; -1 before the first round
  std::int64_t best_step = 0;
  std::int64_t rounds_without_better = 0;
  std::string finished;  ///< why training ended, empty while it may go on

  template <class Archive>
  void serialize(Archive& archive) {
    archive(step, best_recall, best_step, rounds_without_better, finished);
  }
};

struct Checkpoint {
  std::string config;       ///< TOML, see config::to_toml
  std::string fingerprint;  ///< of the data set
  std::int64_t num_items = 0;
  Progress progress;
  std::map<std::string, nn::TensorRecord> parameters;
  std::map<std::string, nn::TensorRecord> optimizer;  ///< empty in a checkpoint for evaluation only

  template <class Archive>
  void serialize(Archive& archive) {
    archive(config, fingerprint, num_items, progress, parameters, optimizer);
  }

  void save(const std::filesystem::path& path) const;
  static Checkpoint load(const std::filesystem::path& path);

  /// The configuration inside; damage is ErrorKind::file.
  config::TrainConfig parse_config(const std::string& path) const;
};

/// Gives the model the weights of a checkpoint. Missing, extra, misshaped or non-finite tensors and |lambda|
/// >= 1 are ErrorKind::file, naming the tensor.
void load_parameters(const Checkpoint& checkpoint, const std::string& path, model::LRURec& model);
void load_optimizer(const Checkpoint& checkpoint, const std::string& path, nn::Optimizer& optimizer);

}  // namespace lrurec::train
