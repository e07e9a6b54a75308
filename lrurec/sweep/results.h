#pragma once
// The results of a sweep's runs.

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

/// A file beside a run's folder. If it is there, other runs were at work in the meantime, so the run's
/// seconds are not those of a training alone.
std::filesystem::path side_by_side_note(const Run& run);

/// Where a run stands. It is finished if it ended by itself under the limits of its configuration.
///
/// ErrorKind::usage is a run whose numbers would not be those of the wanted configuration:
///
///   one of other settings or other data
///   one trained for more steps or with more patience, which the wanted limits may have ended earlier
///   one whose best round is that of an earlier end, before it was given more steps
///
/// ErrorKind::file is a run with checkpoints but without a run.json, or without the validation of its best
/// step.
RunState look_at(const Run& wanted);

/// Every configuration with every seed, in folders of their own in `output`.
std::vector<Run> runs_of(const Plan& plan, const std::string& fingerprint,
                         const std::filesystem::path& output);

struct Summary {
  double mean = 0;
  std::optional<double> deviation;  ///< of the sample; none for a single value
};
Summary summarize(const std::vector<double>& values);

/// A validation metric at the best step of each run of a configuration, as far as they are finished.
std::vector<double> values(const std::vector<Run>& runs, std::size_t point, const std::string& metric);

/// Configurations (of Plan::points) by the mean of a validation metric, best first; ties go by the mean of
/// NDCG@10. Only those with all runs finished: a mean over some seeds is not comparable.
std::vector<std::size_t> ranking(const Plan& plan, const std::vector<Run>& runs, const std::string& metric);

/// {"Recall@10": {"mean": ..., "deviation": ...}, ...}
nlohmann::json summaries(const std::map<std::string, std::vector<double>>& metrics);

/// The object of sweep.json. Folders are relative to that file; a run that failed before it had saved
/// anything has none. `test`: metrics of the best configuration's runs, empty if they were not computed.
nlohmann::json to_json(const Plan& plan, const std::vector<Run>& runs, const std::string& fingerprint,
                       const std::string& metric, const std::map<std::string, std::vector<double>>& test);

}  // namespace lrurec::sweep
