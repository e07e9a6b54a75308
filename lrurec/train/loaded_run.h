#pragma once
// A trained run, ready to be used: evaluated, asked for recommendations, exported.

#include <memory>
#include <string>

#include "lrurec/data/dataset.h"
#include "lrurec/train/run_folder.h"

namespace lrurec::train {

struct LoadOptions {
  std::string run;                  ///< folder
  std::string data{};               ///< data set file, where it moved since training
  std::string checkpoint = "best";  ///< or "last", "previous"
  Device device = {};
};

struct LoadedRun {
  RunFolder folder;
  std::string checkpoint_path;
  std::int64_t step = 0;  ///< of the checkpoint
  config::TrainConfig config;
  data::Dataset data;
  std::unique_ptr<model::Model> model;  ///< on the device
};

/// The model that a checkpoint holds, on the CPU. Damage is ErrorKind::file naming `path`.
std::unique_ptr<model::Model> load_model(const Checkpoint& checkpoint, const std::string& path);

/// RunFolder::load for a command with --checkpoint. If best.ckpt is missing or damaged and last.ckpt is not,
/// the error names --checkpoint last as the remedy.
Checkpoint load_checkpoint(const RunFolder& folder, const std::string& name);

/// A data set other than the one that the run was trained on is ErrorKind::file, as is a damaged checkpoint.
/// A missing run or data set is ErrorKind::io.
LoadedRun load_run(const LoadOptions& options);

}  // namespace lrurec::train
