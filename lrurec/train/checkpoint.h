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

class WeightAverage;

/// Where a run stands beside its weights. Batch order and dropout are functions of seed and step, so nothing
/// else needs to be kept for a bit-exact continuation.
struct Progress {
  std::int64_t step = 0;
  double best_recall = -1;  ///< validation Recall@10; -1 before the first round
  double best_ndcg = -1;    ///< NDCG@10 of that round, which decides between rounds of the same Recall@10
  std::int64_t best_step = 0;
  std::int64_t rounds_without_better = 0;
  std::string finished;  ///< why training ended, empty while it may go on

  /// Best Recall@10 of the rounds at multiples of validate_every, which alone count for patience. A run that
  /// ended in between had one more round than the same run without that end.
  double best_regular_recall = -1;
  double loss_sum = 0;  ///< of the steps since the last training line of the log
  std::int64_t loss_count = 0;
};

struct Checkpoint {
  std::string config;       ///< TOML, see config::to_toml
  std::string fingerprint;  ///< of the data set
  std::int64_t num_items = 0;
  std::int64_t num_users = 0;  ///< 0 before version 3, which brought models that know their users
  Progress progress;
  std::map<std::string, nn::TensorRecord> parameters;
  /// The optimiser's state and WeightAverage's; empty in a checkpoint for evaluation only.
  std::map<std::string, nn::TensorRecord> optimizer;
  std::uint32_t version = newest_version;

  /// Version 2 added best_regular_recall and the loss of unlogged steps, 3 num_users, 4 best_ndcg.
  static constexpr std::uint32_t newest_version = 4;

  template <class Archive>
  void serialize(Archive& archive) {
    Progress& p = progress;
    archive(config, fingerprint, num_items, p.step, p.best_recall, p.best_step, p.rounds_without_better,
            p.finished, parameters, optimizer);
    if (version >= 2) archive(p.best_regular_recall, p.loss_sum, p.loss_count);
    if (version >= 3) archive(num_users);
    if (version >= 4) archive(p.best_ndcg);
  }

  /// Atomically, as the newest version.
  void save(const std::filesystem::path& path) const;
  /// Damage, an impossible progress, settings that do not go together, and model sizes that the tensors do
  /// not have are ErrorKind::file. So a file's word alone never makes the program ask for memory.
  static Checkpoint load(const std::filesystem::path& path);

  /// The configuration inside; damage is ErrorKind::file.
  config::TrainConfig parse_config(const std::string& path) const;
};

/// The sizes and switches of its model.
model::ModelConfig model_config(const Checkpoint& checkpoint, const config::TrainConfig& config);
/// Gives the model the weights of a checkpoint. Missing, extra, misshaped or non-finite tensors and weights
/// that no model may have (Model::problem) are ErrorKind::file, naming the tensor.
void load_parameters(const Checkpoint& checkpoint, const std::string& path, model::Model& model);
/// The same for the optimiser's state and for the average. A checkpoint without optimiser state, as after
/// lrurec import, is ErrorKind::file too.
void load_optimizer(const Checkpoint& checkpoint, const std::string& path, nn::Optimizer& optimizer);
void load_average(const Checkpoint& checkpoint, const std::string& path, WeightAverage& average);

}  // namespace lrurec::train
