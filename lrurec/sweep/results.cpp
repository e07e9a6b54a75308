#include "lrurec/sweep/results.h"

#include <fmt/ranges.h>

#include <cmath>
#include <numeric>

#include "tensor/error.h"

namespace lrurec::sweep {
namespace {

bool same_limits(const config::TrainConfig& a, const config::TrainConfig& b) {
  return a.max_steps == b.max_steps && a.max_epochs == b.max_epochs && a.patience == b.patience;
}

}  // namespace

RunState look_at(const std::filesystem::path& folder, const config::TrainConfig& config,
                 const std::string& fingerprint) {
  if (!std::filesystem::exists(folder / "run.json")) return {};
  const auto run = train::RunFolder::open(folder);
  if (!std::filesystem::exists(run.checkpoint("last")) &&
      !std::filesystem::exists(run.checkpoint("previous"))) {
    return {};
  }
  const auto [checkpoint, path, warning] = run.load_last();
  const config::TrainConfig had = checkpoint.parse_config(path);
  if (const auto keys = config::differences(had, config); !keys.empty()) {
    fail(ErrorKind::usage, "{} was trained with another {}; sweep into another folder, or remove that run",
         folder.string(), fmt::join(keys, " and "));
  }
  if (checkpoint.fingerprint != fingerprint) {
    fail(ErrorKind::usage,
         "{} was trained on another data set; sweep into another folder, or remove that run",
         folder.string());
  }
  const train::Progress& progress = checkpoint.progress;
  RunState state{RunState::Kind::begun, progress.step, progress.best_step, {}};
  if (!progress.finished.empty() && same_limits(had, config)) state.kind = RunState::Kind::finished;
  for (const auto& line : run.log_lines()) {
    if (line.value("split", "") != "val" || line["step"] != progress.best_step) continue;
    for (const auto& [key, value] : line.items()) {
      if (value.is_number() && key != "step") state.validation[key] = value.get<double>();
    }
  }
  return state;
}

Summary summarize(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Summary result{std::accumulate(values.begin(), values.end(), 0.0) / n, {}};
  if (values.size() < 2) return result;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  return result;
}

}  // namespace lrurec::sweep
