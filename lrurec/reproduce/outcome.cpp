#include "lrurec/reproduce/outcome.h"

#include <fmt/format.h>

#include "lrurec/inspect/eigenvalues.h"
#include "lrurec/model/models.h"
#include "lrurec/train/loaded_run.h"

namespace lrurec::reproduce {
namespace {

using nlohmann::json;
using sweep::Run;

/// Values of one cell and metric, one for each seed that is finished.
struct Measured {
  std::vector<double> values;
  double low = 0, high = 0;  ///< sums over seeds
  std::size_t intervals = 0;
  bool sampled = false;  ///< among some items, not all
};

json row_of(const Plan& plan, std::size_t data, const Variant* variant, const std::string& metric,
            std::optional<double> paper, const Measured& measured) {
  json row{{"data", plan.data[data].paper->name}, {"metric", metric}};
  if (measured.sampled) row["sampled"] = true;
  if (variant != nullptr) {
    row["variant"] = variant->name;
    row["title"] = variant->title;
  }
  if (paper) row["paper"] = *paper;
  if (measured.values.empty()) return row;
  const auto summary = sweep::summarize(measured.values);
  row["value"] = summary.mean;
  row["values"] = measured.values;
  if (summary.deviation) row["deviation"] = *summary.deviation;
  if (measured.intervals > 0) {
    const auto n = static_cast<double>(measured.intervals);
    row["interval"] = {measured.low / n, measured.high / n};
  }
  if (paper && *paper != 0) row["difference_percent"] = 100 * (summary.mean / *paper - 1);
  return row;
}

std::optional<double> printed(const Artifact& artifact, const DataFile& file, const Variant& variant,
                              std::size_t metric) {
  const auto data = artifact.values.find(file.paper->name);
  if (data == artifact.values.end()) return {};
  const auto values = data->second.find(variant.name);
  if (values == data->second.end() || metric >= values->second.size()) return {};
  return values->second[metric];
}

/// "Recall@10" of a run's test, which is named "sampled Recall@10" where it is among some items.
void add_test(const json& test, const Variant& variant, const std::string& metric, Measured& measured) {
  const std::string title = model::find_model(variant.model).title;
  const json& metrics = test.at("metrics").at(title);
  measured.sampled = !metrics.contains(metric);
  const std::string key = measured.sampled ? "sampled " + metric : metric;
  measured.values.push_back(metrics.at(key).get<double>());
  const auto& interval = test.at("intervals").at(title).at(key);
  measured.low += interval.at(0).get<double>();
  measured.high += interval.at(1).get<double>();
  ++measured.intervals;
}

std::vector<double> mean_abs_of_blocks(const Run& run) {
  const auto folder = train::RunFolder::open(run.folder);
  const auto path = folder.checkpoint("best").string();
  std::vector<double> blocks;
  for (const auto& lambda : inspect::eigenvalues(*train::load_model(folder.load("best"), path))) {
    blocks.push_back(inspect::mean_abs(lambda));
  }
  return blocks;
}

/// Seconds that the steps until each logged one took.
std::vector<std::pair<std::int64_t, double>> seconds_by_step(const std::vector<json>& log) {
  std::vector<std::pair<std::int64_t, double>> sums;
  std::int64_t step = 0;
  double seconds = 0;
  for (const auto& line : log) {
    if (line.value("split", "") != "train" || !line.contains("step_seconds")) continue;
    const auto at = line["step"].get<std::int64_t>();
    seconds += static_cast<double>(at - step) * line["step_seconds"].get<double>();
    sums.emplace_back(step = at, seconds);
  }
  return sums;
}

/// Figure 1: the best validation and what it took, and a session's events.
void add_efficiency(const Run& run, const Cell& cell, const Findings& findings,
                    std::vector<Measured>& measured) {
  measured[0].values.push_back(run.state.validation.at("Recall@10"));
  measured[1].values.push_back(static_cast<double>(run.state.best_step));
  double seconds = 0;
  for (const auto& [step, sum] : seconds_by_step(train::RunFolder::open(run.folder).log_lines())) {
    if (step <= run.state.best_step) seconds = sum;
  }
  measured[2].values.push_back(seconds);
  const auto events = findings.incremental.find(cell.variant->name);
  if (events != findings.incremental.end() && measured[3].values.empty()) {
    measured[3].values.push_back(
        events->second.at("by_length").back().at("cumulative_seconds").get<double>());
  }
}

json rows_of_cell(const Plan& plan, const Cell& cell, const Findings& findings) {
  const Artifact& artifact = *plan.artifact;
  std::vector<Measured> measured(artifact.metrics.size());
  for (const Run* run : plan.runs_of(cell)) {
    if (!run->finished()) continue;
    if (artifact.kind == Kind::eigenvalues) {
      const auto blocks = mean_abs_of_blocks(*run);
      for (std::size_t b = 0; b < measured.size() && b < blocks.size(); ++b) {
        measured[b].values.push_back(blocks[b]);
      }
    } else if (artifact.kind == Kind::efficiency) {
      add_efficiency(*run, cell, findings, measured);
    } else if (const auto test = findings.tests.find(run->folder); test != findings.tests.end()) {
      for (std::size_t m = 0; m < measured.size(); ++m) {
        add_test(test->second, *cell.variant, artifact.metrics[m], measured[m]);
      }
    }
  }
  json rows = json::array();
  for (std::size_t m = 0; m < measured.size(); ++m) {
    rows.push_back(row_of(plan, cell.data, cell.variant, artifact.metrics[m],
                          printed(artifact, plan.data[cell.data], *cell.variant, m), measured[m]));
  }
  return rows;
}

/// Table 2.
json rows_of_statistics(const Plan& plan) {
  json rows = json::array();
  for (std::size_t d = 0; d < plan.data.size(); ++d) {
    const DataFile& file = plan.data[d];
    const data::Statistics& s = file.statistics;
    const auto add = [&](const char* metric, double paper, double value) {
      rows.push_back(row_of(plan, d, nullptr, metric, paper, {{value}}));
    };
    add("users", file.paper->users, static_cast<double>(s.users));
    add("items", file.paper->items, static_cast<double>(s.items));
    add("interactions", file.paper->interactions, static_cast<double>(s.interactions));
    add("length", file.paper->length, s.mean_length);
    add("density", file.paper->density, 1 - s.sparsity);
  }
  return rows;
}

json points_of(const std::vector<json>& log, const std::string& metric) {
  const auto sums = seconds_by_step(log);
  json points = json::array();
  std::size_t next = 0;
  for (const auto& line : log) {
    const auto value = line.contains(metric) ? line.find(metric) : line.find("sampled " + metric);
    if (line.value("split", "") != "val" || value == line.end()) continue;
    while (next < sums.size() && sums[next].first <= line["step"]) ++next;
    points.push_back(
        {{"step", line["step"]}, {"seconds", next == 0 ? 0.0 : sums[next - 1].second}, {"value", *value}});
  }
  return points;
}

json data_of(const Plan& plan, const Findings& findings) {
  json all = json::array();
  for (std::size_t d = 0; d < plan.data.size(); ++d) {
    const DataFile& file = plan.data[d];
    json one{{"name", file.paper->name},
             {"title", file.paper->title},
             {"file", file.path.filename().string()},
             {"source", file.source},
             {"fingerprint", file.fingerprint},
             {"generated", file.generated},
             {"the_papers", file.is_the_papers()},
             {"users", file.statistics.users},
             {"items", file.statistics.items}};
    for (const Cell& cell : plan.cells) {
      if (cell.data != d || one.contains("protocol")) continue;
      for (const Run* run : plan.runs_of(cell)) {
        const auto test = findings.tests.find(run->folder);
        if (test != findings.tests.end()) one["protocol"] = test->second.at("protocol");
      }
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

json outcome(const Plan& plan, const Findings& findings) {
  const Artifact& artifact = *plan.artifact;
  static const std::map<Kind, const char*> kinds{{Kind::statistics, "statistics"},
                                                 {Kind::metrics, "metrics"},
                                                 {Kind::eigenvalues, "eigenvalues"},
                                                 {Kind::efficiency, "efficiency"},
                                                 {Kind::sensitivity, "sensitivity"}};
  json result{{"name", artifact.name},
              {"title", artifact.title},
              {"note", artifact.note},
              {"kind", kinds.at(artifact.kind)},
              {"metrics", artifact.metrics},
              {"seeds", plan.request.seeds},
              {"max_steps", plan.request.max_steps},
              {"data", data_of(plan, findings)},
              {"rows", artifact.kind == Kind::statistics ? rows_of_statistics(plan) : json::array()},
              {"runs", json::array()},
              {"curves", json::array()},
              {"axes", json::array()}};
  for (const auto& [setting, variants] : artifact.axes) {
    result["axes"].push_back({{"setting", setting}, {"variants", variants}});
  }
  for (const Cell& cell : plan.cells) {
    for (auto& row : rows_of_cell(plan, cell, findings)) result["rows"].push_back(std::move(row));
    const auto& data = plan.data[cell.data].paper->name;
    bool first = true;
    for (const Run* run : plan.runs_of(cell)) {
      json one{{"data", data},
               {"variant", cell.variant->name},
               {"seed", run->config.seed},
               {"folder", run->folder.string()}};
      if (!run->complaint.empty()) one["error"] = run->complaint;
      if (run->state.kind != sweep::RunState::Kind::missing) {
        const auto log = train::RunFolder::open(run->folder).log_lines();
        const auto sums = seconds_by_step(log);
        one["steps"] = run->state.step;
        one["best_step"] = run->state.best_step;
        one["ended"] = run->state.ended;
        if (!sums.empty()) one["seconds"] = sums.back().second;
        if (std::exchange(first, false)) {
          result["curves"].push_back({{"data", data},
                                      {"variant", cell.variant->name},
                                      {"title", cell.variant->title},
                                      {"metric", "Recall@10"},
                                      {"points", points_of(log, "Recall@10")}});
        }
      }
      result["runs"].push_back(std::move(one));
    }
  }
  if (!findings.incremental.empty()) result["incremental"] = findings.incremental;
  return result;
}

}  // namespace lrurec::reproduce
