#include "lrurec/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lrurec/inspect/eigenvalues.h"
#include "lrurec/model/models.h"
#include "lrurec/report/assets.h"
#include "lrurec/report/frame.h"
#include "lrurec/reproduce/paper.h"
#include "lrurec/train/loaded_run.h"
#include "tensor/error.h"

namespace lrurec::report {
namespace {

using nlohmann::json;

json points(const inspect::Eigenvalues& lambda) {
  json all = json::array();
  for (const auto z : lambda) all.push_back({z.real(), z.imag()});
  return all;
}

json describe_eigenvalues(const model::Model& model, const config::TrainConfig& config, bool imported) {
  const auto trained = inspect::eigenvalues(model);
  const auto published = reproduce::published_mean_abs(model.config().num_items);
  std::vector<inspect::Eigenvalues> initial;
  if (!imported) {
    initial = inspect::initial_eigenvalues(model.config(), static_cast<std::uint64_t>(config.seed));
  }
  json blocks = json::array();
  for (std::size_t b = 0; b < trained.size(); ++b) {
    json block{{"trained", points(trained[b])},
               {"mean_abs", inspect::mean_abs(trained[b])},
               {"half_life", inspect::median_half_life(trained[b])}};
    if (!initial.empty()) {
      block["initial"] = points(initial[b]);
      block["initial_mean_abs"] = inspect::mean_abs(initial[b]);
      block["initial_half_life"] = inspect::median_half_life(initial[b]);
    }
    if (b < published.size()) block["published_mean_abs"] = published[b];
    blocks.push_back(block);
  }
  return blocks;
}

json describe_settings(const config::TrainConfig& config) {
  json all = json::array();
  for (const auto& setting : config::settings_of(config)) {
    all.push_back(
        {{"key", setting.key}, {"value", config::value_text(config, setting)}, {"help", setting.help}});
  }
  return all;
}

std::string folder_name(const std::filesystem::path& path) {
  const auto whole = std::filesystem::weakly_canonical(path);
  return whole.filename().empty() ? whole.string() : whole.filename().string();
}

}  // namespace

json describe(const train::RunFolder& run) {
  const auto [last, last_path, warning] = run.load_last();
  const auto best_path = run.checkpoint("best");
  const bool has_best = std::filesystem::exists(best_path);
  const train::Checkpoint best = has_best ? run.load("best") : last;
  const std::string path = has_best ? best_path.string() : last_path;
  const config::TrainConfig config = last.parse_config(last_path);
  const auto model = train::load_model(best, path);

  json evaluations = run.evaluations();
  for (auto& [name, evaluation] : evaluations.items()) {  // a run that went on since has other weights
    const bool of_last = name.ends_with("-last");
    const std::int64_t step = of_last ? last.progress.step : best.progress.step;
    // The step that previous.ckpt had then is not known, nor that of a damaged last.ckpt.
    if (name.ends_with("-previous") || (of_last && !warning.empty())) continue;
    if (evaluation.contains("step") && evaluation["step"] != step) {
      evaluation[of_last ? "last_step" : "best_step"] = step;
    }
  }
  json description = run.description();
  const bool imported = description.contains("imported_from");
  json result{{"name", folder_name(run.path())},
              {"about", std::move(description)},
              {"model", model->info().title},
              {"progress",
               {{"step", last.progress.step},
                {"best_step", last.progress.best_step},
                {"best", last.progress.best_recall},
                {"finished", last.progress.finished}}},
              {"parameters", model::real_parameters(*model)},
              {"settings", describe_settings(config)},
              {"training", json::array()},
              {"validation", json::array()},
              {"eigenvalues", model->recurrence() != nullptr ? describe_eigenvalues(*model, config, imported)
                                                             : json::array()},
              {"evaluations", std::move(evaluations)}};
  if (!warning.empty()) result["warning"] = warning;
  for (auto& line : run.log_lines()) {
    result[line.value("split", "") == "train" ? "training" : "validation"].push_back(std::move(line));
  }
  return result;
}

void name_apart(std::vector<json>& runs, const std::vector<std::filesystem::path>& folders) {
  std::vector<std::filesystem::path> whole;
  for (const auto& folder : folders) {
    const auto path = std::filesystem::weakly_canonical(folder);
    whole.push_back(path.has_filename() ? path : path.parent_path());
  }
  const auto last_parts = [](const std::filesystem::path& path, std::ptrdiff_t count) {
    const auto parts = std::distance(path.begin(), path.end());
    std::filesystem::path name;
    for (auto it = std::next(path.begin(), std::max<std::ptrdiff_t>(parts - count, 0)); it != path.end();
         ++it)
      name /= *it;
    return name.string();
  };
  for (std::ptrdiff_t count = 1; count <= 32; ++count) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < runs.size(); ++i)
      names.insert((runs[i]["name"] = last_parts(whole[i], count)));
    if (names.size() == runs.size()) return;
  }
}

std::string page(const std::vector<json>& runs) {
  std::string title = "lrurec:";
  for (const auto& run : runs) title += " " + run.at("name").get<std::string>();
  return framed({.title = title, .made_by = "lrurec report", .data = runs, .script = assets::page_js});
}

std::string reproduction_page(const json& outcome) {
  return framed({.title = outcome.at("title").get<std::string>(),
                 .made_by = "lrurec reproduce",
                 .data = outcome,
                 .script = assets::reproduction_js});
}

}  // namespace lrurec::report
