#pragma once
// What the runs of a sweep came to.

#include <filesystem>
#include <map>
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
};

/// A run with other settings than `config`, or on other data, is ErrorKind::usage: its numbers would stand
/// for settings that it does not have. A run is finished where it ended by itself under the limits of
/// `config`.
RunState look_at(const std::filesystem::path& folder, const config::TrainConfig& config,
                 const std::string& fingerprint);

struct Summary {
  double mean = 0;
  std::optional<double> deviation;  ///< of the sample; of one value there is none
};
Summary summarize(const std::vector<double>& values);

}  // namespace lrurec::sweep
