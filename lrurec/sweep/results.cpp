#include "lrurec/sweep/results.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/error.h"

namespace lrurec::sweep {
namespace {

/// Whether patience may have ended a run of `wanted` before one of `had`; 0: it never does.
bool less_patient(const config::TrainConfig& wanted, const config::TrainConfig& had) {
  return wanted.patience > 0 && (had.patience == 0 || wanted.patience < had.patience);
}

bool same_limits(const config::TrainConfig& a, const config::TrainConfig& b) {
  return a.max_steps == b.max_steps && a.max_epochs == b.max_epochs && a.patience == b.patience;
}

}  // namespace

std::filesystem::path side_by_side_note(const Run& run) { return run.folder.string() + ".side-by-side"; }

RunState look_at(const Run& wanted) {
  const auto& folder = wanted.folder;
  const auto there = [&](const char* which) {
    return std::filesystem::exists(folder / "checkpoints" / (std::string(which) + ".ckpt"));
  };
  // One that was killed before its first checkpoint is made again.
  if (!there("last") && !there("previous")) return {};
  if (!std::filesystem::exists(folder / "run.json")) {
    fail(ErrorKind::file,
         "{} holds checkpoints but has lost its run.json; put that back, or move the folder away",
         folder.string());
  }
  const auto run = train::RunFolder::open(folder);
  const auto [checkpoint, path, warning] = run.load_last();
  const config::TrainConfig had = checkpoint.parse_config(path);
  if (const auto others = config::told_differences(had, wanted.config); !others.empty()) {
    fail(ErrorKind::usage,
         "{} was trained with another {}; choose another folder with -o, or move that run away",
         folder.string(), fmt::join(others, " and "));
  }
  if (checkpoint.fingerprint != wanted.fingerprint) {
    fail(ErrorKind::usage,
         "{} was trained on another data set; choose another folder with -o, or remove that run",
         folder.string());
  }
  const train::Progress& progress = checkpoint.progress;
  if (const auto most = wanted.config.max_steps; most > 0 && progress.step > most) {
    fail(ErrorKind::usage,
         "{} was trained to step {}, further than the {} asked for; ask for as many steps, or choose another "
         "folder with -o",
         folder.string(), progress.step, most);
  }
  if (less_patient(wanted.config, had) && progress.step > 0) {
    fail(ErrorKind::usage,
         "{} was trained with patience = {}; with the {} asked for it might have ended earlier; ask for as "
         "much patience, or choose another folder with -o",
         folder.string(), had.patience, wanted.config.patience);
  }
  RunState state{RunState::Kind::begun, progress.step, progress.best_step, {}, progress.finished};
  if (!progress.finished.empty() && same_limits(had, wanted.config)) state.kind = RunState::Kind::finished;
  const bool best_of_an_earlier_end =
      progress.best_step < progress.step && progress.best_step % wanted.config.validate_every != 0;
  if (state.kind == RunState::Kind::finished && best_of_an_earlier_end) {
    fail(ErrorKind::usage,
         "{} has its best step, {}, where it once ended, and a run to step {} has no validation round there; "
         "choose another folder with -o, or move that run away",
         folder.string(), progress.best_step, progress.step);
  }
  for (const auto& line : run.log_lines()) {
    if (line.value("split", "") != "val" || line["step"] != progress.best_step) continue;
    for (const auto& [key, value] : line.items()) {
      if (value.is_number() && key != "step") state.validation[key] = value.get<double>();
    }
  }
  if (state.kind == RunState::Kind::finished && state.validation.empty()) {
    fail(ErrorKind::file, "{} has lost the validation of step {} from its metrics.jsonl; remove that run",
         folder.string(), progress.best_step);
  }
  return state;
}

std::vector<Run> runs_of(const Plan& plan, const std::string& fingerprint,
                         const std::filesystem::path& output) {
  std::vector<Run> runs;
  for (std::size_t p = 0; p < plan.points.size(); ++p) {
    const std::string name = plan.points[p].name();
    for (const auto seed : plan.seeds) {
      const std::string which = fmt::format("seed={}", seed);
      Run run{p,
              fmt::format("{} {}", name, which),
              plan.data,
              fingerprint,
              plan.points[p].config,
              output / name / which};
      run.config.seed = seed;
      runs.push_back(std::move(run));
    }
  }
  return runs;
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

std::vector<double> values(const std::vector<Run>& runs, std::size_t point, const std::string& metric) {
  std::vector<double> found;
  for (const Run& run : runs) {
    if (run.point != point || !run.finished()) continue;
    if (const auto it = run.state.validation.find(metric); it != run.state.validation.end()) {
      found.push_back(it->second);
    }
  }
  return found;
}

std::vector<std::size_t> ranking(const Plan& plan, const std::vector<Run>& runs, const std::string& metric) {
  std::vector<std::size_t> order;
  std::vector<std::pair<double, double>> means(plan.points.size());  // of the metric, and among equal ones
  const std::string second = metric.starts_with("sampled ") ? "sampled NDCG@10" : "NDCG@10";
  for (std::size_t p = 0; p < plan.points.size(); ++p) {
    const auto found = values(runs, p, metric), others = values(runs, p, second);
    if (found.size() != plan.seeds.size()) continue;
    means[p] = {summarize(found).mean, others.empty() ? 0 : summarize(others).mean};
    order.push_back(p);
  }
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return means[a] > means[b]; });
  return order;
}

nlohmann::json summaries(const std::map<std::string, std::vector<double>>& metrics) {
  nlohmann::json result;
  for (const auto& [name, numbers] : metrics) {
    const auto summary = summarize(numbers);
    result[name]["mean"] = summary.mean;
    if (summary.deviation) result[name]["deviation"] = *summary.deviation;
  }
  return result;
}

nlohmann::json to_json(const Plan& plan, const std::vector<Run>& runs, const std::string& fingerprint,
                       const std::string& metric, const std::map<std::string, std::vector<double>>& test) {
  nlohmann::json result{{"data", std::filesystem::absolute(plan.data).string()},
                        {"fingerprint", fingerprint},
                        {"seeds", plan.seeds},
                        {"chosen_by", "mean validation " + metric},
                        {"configurations", nlohmann::json::array()}};
  for (std::size_t p = 0; p < plan.points.size(); ++p) {
    nlohmann::json entries = nlohmann::json::array();
    for (const Run& run : runs) {
      if (run.point != p) continue;
      nlohmann::json entry{{"seed", run.config.seed}, {"finished", run.finished()}};
      const bool came_to_nothing = run.exit_code != 0 && run.state.kind == RunState::Kind::missing;
      if (!came_to_nothing) {
        entry["folder"] = (std::filesystem::path(plan.points[p].name()) / run.folder.filename()).string();
      }
      if (run.finished()) {
        entry["best_step"] = run.state.best_step;
        entry["validation"] = run.state.validation;
      } else if (!run.complaint.empty()) {
        entry["exit_code"] = run.exit_code;
        entry["error"] = run.complaint;
      }
      entries.push_back(std::move(entry));
    }
    nlohmann::json point{{"name", plan.points[p].name()}, {"runs", std::move(entries)}};
    for (const auto& [key, value] : plan.points[p].choices) point["choices"][key] = value;
    if (const auto found = values(runs, p, metric); !found.empty()) {
      const auto summary = summarize(found);
      point["validation_mean"] = summary.mean;
      if (summary.deviation) point["validation_deviation"] = *summary.deviation;
    }
    result["configurations"].push_back(std::move(point));
  }
  const bool done = std::all_of(runs.begin(), runs.end(),
                                [](const Run& run) { return run.finished() || run.exit_code != 0; });
  if (const auto order = ranking(plan, runs, metric); done && !order.empty()) {
    result["best"] = plan.points[order.front()].name();
  }
  if (!test.empty()) result["test"] = summaries(test);
  return result;
}

}  // namespace lrurec::sweep
