#pragma once
// A run's folder: everything that explains it.
//
//   config.toml              every setting
//   run.json                 command, data set and fingerprint, machine and versions, and of each resumption
//                            step, command, machine and versions
//   metrics.jsonl            one object a line: step, split ("train", "val"), loss, metrics
//   metrics.csv              the same as a table, written at every validation round
//   eigenvalues.jsonl        lambda of every block at each validation round, if the model has any
//   checkpoints/last.ckpt    to resume; previous.ckpt is the one before, best.ckpt the best by validation
//   evaluation-SPLIT.json    what `lrurec evaluate` found; -SPLIT-sampled.json among random items

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lrurec/train/checkpoint.h"
#include "lrurec/util/file_lock.h"

namespace lrurec::train {

/// Whether a folder holds the checkpoint of a run.
bool holds_run(const std::filesystem::path& folder);

class RunFolder {
 public:
  /// A folder for a new run, locked while the object (or a copy) lives. It is ErrorKind::usage if the folder
  /// is locked, holds a run (a checkpoint) or a sweep, or holds files of a run's names that no start of a
  /// run left there, and ErrorKind::io if it cannot be written; nothing in it is touched then. What a start
  /// left that was killed before its first checkpoint is replaced. A start writes run.json, then config.toml,
  /// then a checkpoint. `or_else`: what else helps where there is a run, after "choose another folder with
  /// -o".
  static RunFolder create(const std::filesystem::path& folder, std::string_view or_else = "");
  /// The folder of an existing run, to read; ErrorKind::io when it holds none. The error says what the folder
  /// holds instead, such as a sweep.
  static RunFolder open(const std::filesystem::path& folder);
  /// The same to go on with its training, locked; ErrorKind::usage where another process trains it.
  static RunFolder open_to_train(const std::filesystem::path& folder);

  /// Removes what create() and a training without result have made, with the folders that they made if they
  /// are then empty.
  void discard() const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path checkpoint(const std::string& name) const;
  std::filesystem::path data_path() const;  ///< from run.json
  /// Writes the data set's path into the object of run.json. A path that is not UTF-8 cannot stand in JSON as
  /// it is; its bytes stand there too, as numbers.
  static void name_data(nlohmann::json& description, const std::filesystem::path& data);

  void write_config(const config::TrainConfig& config) const;
  void write_description(const nlohmann::json& description) const;
  nlohmann::json description() const;
  void write_evaluation(const std::string& split, const nlohmann::json& result) const;
  /// All that evaluate has left here, by NAME of evaluation-NAME.json. A damaged file is ErrorKind::file.
  std::map<std::string, nlohmann::json> evaluations() const;

  /// Adds a line to metrics.jsonl, in one piece. As for checkpoints, it is tried again when the disk is full.
  void log(const nlohmann::json& line) const;
  /// The lines of metrics.jsonl: objects with a whole number "step" and a text "split". The last line is left
  /// out if a crash cut it off; any other damaged line is ErrorKind::file. A missing file has no lines.
  std::vector<nlohmann::json> log_lines() const;
  /// The same of eigenvalues.jsonl, whose lines also have "lambda": of every block, of every channel, [re,
  /// im].
  void log_eigenvalues(const nlohmann::json& line) const;
  std::vector<nlohmann::json> eigenvalue_lines() const;
  /// metrics.csv from metrics.jsonl: a column for every number there is, empty where a line has none.
  void write_metrics_table() const;
  /// Drops the lines of both logs after `step`: a resumed run writes them again.
  void cut_log(std::int64_t step) const;
  /// Drops the lines that a run resumed from here writes again: all of them before its first validation
  /// round.
  void cut_log(const Progress& progress) const { cut_log(progress.best_recall < 0 ? -1 : progress.step); }

  /// Makes last.ckpt the previous one and writes a new last.ckpt. At every moment both names lead to a whole
  /// checkpoint; only on a file system without hard links is last.ckpt missing for a moment.
  void save_last(const Checkpoint& checkpoint) const;
  void save_best(const Checkpoint& checkpoint) const;

  struct Loaded {
    Checkpoint checkpoint;
    std::string path;
    std::string warning;  ///< not empty when last.ckpt could not be used
  };
  /// best.ckpt, last.ckpt or previous.ckpt. A checkpoint whose settings are not those of config.toml is
  /// another run's that was put here: ErrorKind::file, as is a damaged config.toml.
  Checkpoint load(const std::string& name) const;
  /// last.ckpt, or previous.ckpt if that is missing or damaged. If there is neither, ErrorKind::io. A
  /// checkpoint of another run as above.
  Loaded load_last() const;

 private:
  /// Takes "run/" as "run", so that its parent is the folder around it.
  explicit RunFolder(std::filesystem::path path)
      : path_(path.has_filename() ? std::move(path) : path.parent_path()) {}
  void remove_made_folders() const;
  void lock();
  void check_own(const Checkpoint& checkpoint, const std::string& path) const;
  std::vector<std::filesystem::path> evaluation_files() const;
  void append(const char* log, const nlohmann::json& line) const;
  std::vector<nlohmann::json> lines_of(const char* log) const;

  std::filesystem::path path_;
  std::filesystem::path made_;  ///< the outermost folder that create() made, empty where all were there
  std::shared_ptr<const util::FileLock> lock_;
};

}  // namespace lrurec::train
