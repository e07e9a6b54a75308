#pragma once
// What the runs of a sweep came to.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lrurec/sweep/plan.h"
#include "lrurec/train/run_folder.h"

namespace lrurec::sweep {

/// Where a run stands, by its folder.
struct RunState {
  enum class Kind { missing, begun, finished };
  Kind kind = Kind::missing;
  std::int64_t step = 0, best_step = 0;
  std::map<std::string, double> validation;  ///< metrics at the best step
  std::string ended{};                       ///< why it is finished
};

/// A training that is wanted: a configuration with one seed.
struct Run {
  std::size_t point = 0;  ///< of the plan; its runs differ in their seed alone
  std::string label;      ///< for messages
  std::filesystem::path data;
  std::string fingerprint;  ///< of the data
  config::TrainConfig config;
  std::filesystem::path folder;
  RunState state{};
  int exit_code = 0;
  std::string complaint{};  ///< the last line that a failed run wrote

  bool finished() const { return state.kind == RunState::Kind::finished; }
};

/// A file beside a run's folder that says that others were at work in the meantime: its seconds are then not
/// those of a training alone.
std::filesystem::path side_by_side_note(const Run& run);

/// Where a run stands. One with other settings than are wanted, or on other data, is ErrorKind::usage: its
/// numbers would stand for settings that it does not have; so is one that was trained with more patience or
/// more steps, which its limits would not have let it reach, and one whose best round is that of an end
/// before it was given more steps. Checkpoints without a run.json are ErrorKind::file. A run is finished
/// where it ended by itself under the limits of its configuration.
RunState look_at(const Run& wanted);

/// Every configuration with every seed, in folders of their own in `output`.
std::vector<Run> runs_of(const Plan& plan, const std::string& fingerprint,
                         const std::filesystem::path& output);

struct Summary {
  double mean = 0;
  std::optional<double> deviation;  ///< of the sample; of one value there is none
};
Summary summarize(const std::vector<double>& values);

/// A validation metric at the best step of each run of a configuration, as far as they are finished.
std::vector<double> values(const std::vector<Run>& runs, std::size_t point, const std::string& metric);

/// Configurations by the mean of a validation metric, and where that is the same by that of NDCG@10, best
/// first; only those all of whose runs are finished, for a mean over some seeds is not comparable.
std::vector<std::size_t> ranking(const Plan& plan, const std::vector<Run>& runs, const std::string& metric);

/// {"Recall@10": {"mean": ..., "deviation": ...}, ...}
nlohmann::json summaries(const std::map<std::string, std::vector<double>>& metrics);

/// sweep.json; folders as seen from where it lies, none for a run that failed before it had saved anything.
/// `test`: metrics of the best configuration's runs; empty: not looked at.
nlohmann::json to_json(const Plan& plan, const std::vector<Run>& runs, const std::string& fingerprint,
                       const std::string& metric, const std::map<std::string, std::vector<double>>& test);

}  // namespace lrurec::sweep
