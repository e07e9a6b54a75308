#include "lrurec/reproduce/outcome.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "lrurec/inspect/eigenvalues.h"
#include "lrurec/model/models.h"
#include "lrurec/train/loaded_run.h"
#include "tensor/error.h"

namespace lrurec::reproduce {
namespace {

using nlohmann::json;
using sweep::Run;

/// Values of one cell and metric, one for each seed that is finished.
struct Measured {
  std::vector<double> values;
  std::size_t wanted = 1;    ///< how many values there should be
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
  if (measured.values.size() < measured.wanted) {
    row["wanted"] = measured.wanted;  // a mean over fewer seeds is not comparable
  } else if (paper && *paper != 0) {
    row["difference_percent"] = 100 * (summary.mean / *paper - 1);
  }
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
void add_test(const json& test, const std::string& model, const std::string& metric, Measured& measured) {
  const std::string title = model::find_model(model).title;
  const json& metrics = test.at("metrics").at(title);
  measured.sampled = !metrics.contains(metric);
  const std::string key = measured.sampled ? "sampled " + metric : metric;
  measured.values.push_back(metrics.at(key).get<double>());
  const auto& interval = test.at("intervals").at(title).at(key);
  measured.low += interval.at(0).get<double>();
  measured.high += interval.at(1).get<double>();
  ++measured.intervals;
}

/// The seconds that a run's steps took, from the training lines of its log.
class Clock {
 public:
  explicit Clock(const std::vector<json>& log) {
    Line line;
    for (const auto& one : log) {
      if (one.value("split", "") != "train" || !one.value("step_seconds", json()).is_number()) continue;
      line.before += line.seconds(line.last);
      line.first = std::exchange(line.last, one["step"].get<std::int64_t>());
      line.each = one["step_seconds"].get<double>();
      lines_.push_back(line);
    }
  }

  /// Of all steps until this one. A step between two lines took what the later line says, one after the last
  /// line what that says. Nothing without lines.
  std::optional<double> until(std::int64_t step) const {
    if (lines_.empty()) return {};
    auto line = std::ranges::lower_bound(lines_, step, {}, &Line::last);
    if (line == lines_.end()) --line;
    return line->before + line->seconds(step);
  }

 private:
  struct Line {
    std::int64_t first = 0, last = 0;  ///< it tells of the steps after `first` until `last`
    double before = 0, each = 0;       ///< seconds: of all steps until `first`, of each step after it

    double seconds(std::int64_t step) const { return static_cast<double>(step - first) * each; }
  };
  std::vector<Line> lines_;
};

/// What stands there in a run.json, or null.
json found_at(const char* pointer, const json& about) {
  const json::json_pointer place(pointer);
  return about.contains(place) ? about.at(place) : json();
}

/// How a run's training differs from what is asked for now, so that its seconds do not count for that: "with
/// 2 threads, not 1, and beside other trainings"; "" if it does not differ.
std::string trained_otherwise(const Run& run) {
  const json about = train::RunFolder::open(run.folder).description();
  std::vector<json> starts(1, about);
  for (const json& later : about.value("resumed", json::array())) starts.push_back(later);
  std::vector<std::string> others;
  const auto add = [&](std::string text) {
    if (std::ranges::count(others, text) == 0) others.push_back(std::move(text));
  };
  for (const json& start : starts) {
    const json threads = found_at("/environment/threads", start),
               device = found_at("/environment/device", start);
    if (threads.is_number_integer() && threads != run.config.threads) {
      add(fmt::format("with {} threads, not {}", threads.get<std::int64_t>(), run.config.threads));
    }
    if (device.is_string() && device != run.config.device) {
      add(fmt::format("on {}, not {}", device.get<std::string>(), run.config.device));
    }
  }
  if (std::filesystem::exists(sweep::side_by_side_note(run))) add("beside other trainings");
  return fmt::format("{}", fmt::join(others, ", and "));
}

/// Figure 1: the best validation and what it took, and a session's events.
void add_efficiency(const Run& run, const Cell& cell, const Findings& findings,
                    std::vector<Measured>& measured) {
  measured[0].values.push_back(run.state.validation.at("Recall@10"));
  measured[1].values.push_back(static_cast<double>(run.state.best_step));
  const Clock clock(train::RunFolder::open(run.folder).log_lines());
  if (const auto seconds = clock.until(run.state.best_step)) measured[2].values.push_back(*seconds);
  const auto events = findings.incremental.find(cell.variant->name);
  if (events != findings.incremental.end() && measured[3].values.empty()) {
    measured[3].values.push_back(
        events->second.at("by_length").back().at("cumulative_seconds").get<double>());
    measured[3].wanted = 1;  // they are measured once, whatever the seeds
  }
}

json rows_of_cell(const Plan& plan, const Cell& cell, const Findings& findings) {
  const Artifact& artifact = *plan.artifact;
  std::vector<Measured> measured(artifact.metrics.size());
  for (Measured& one : measured) one.wanted = plan.request.seeds.size();
  for (const Run* run : plan.runs_of(cell)) {
    if (!run->finished()) continue;
    if (const auto blocks = findings.mean_abs.find(run->folder); blocks != findings.mean_abs.end()) {
      for (std::size_t b = 0; b < measured.size() && b < blocks->second.size(); ++b) {
        measured[b].values.push_back(blocks->second[b]);
      }
    } else if (artifact.kind == Kind::efficiency) {
      add_efficiency(*run, cell, findings, measured);
    } else if (const auto test = findings.tests.find(run->folder); test != findings.tests.end()) {
      for (std::size_t m = 0; m < measured.size(); ++m) {
        add_test(test->second, run->config.model, artifact.metrics[m], measured[m]);
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

json points_of(const std::vector<json>& log, const Clock& clock, const std::string& metric) {
  json points = json::array();
  for (const auto& line : log) {
    const auto value = line.contains(metric) ? line.find(metric) : line.find("sampled " + metric);
    if (line.value("split", "") != "val" || value == line.end()) continue;
    json point{{"step", line["step"]}, {"value", *value}};
    if (const auto seconds = clock.until(line["step"].get<std::int64_t>())) point["seconds"] = *seconds;
    points.push_back(std::move(point));
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

std::optional<json> kept_test(const Artifact& artifact, const Run& run) {
  const std::int64_t sampled = run.config.eval_negatives;
  try {
    const auto all = train::RunFolder::open(run.folder).evaluations();
    const auto kept = all.find(sampled > 0 ? "test-sampled" : "test");
    if (kept == all.end()) return {};
    const json& test = kept->second;
    const std::string candidates = sampled > 0 ? fmt::format("{} sampled", sampled) : "all";
    if (test.at("step") != run.state.best_step || test.at("protocol").at("candidates") != candidates)
      return {};
    Measured ignored;
    for (const auto& metric : artifact.metrics) add_test(test, run.config.model, metric, ignored);
    return test;
  } catch (const Error&) {
    return {};
  } catch (const json::exception&) {
    return {};
  }
}

bool is_incremental(const json& events) {
  if (!events.is_object() || !events.contains("by_length") || !events["by_length"].is_array()) return false;
  const json& lines = events["by_length"];
  return !lines.empty() && std::ranges::all_of(lines, [](const json& line) {
    return line.is_object() && line.value("cumulative_seconds", json()).is_number() &&
           line.value("events", json()).is_number();
  });
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
        const Clock clock(log);
        one["steps"] = run->state.step;
        one["best_step"] = run->state.best_step;
        one["ended"] = run->state.ended;
        if (const auto seconds = clock.until(run->state.step)) one["seconds"] = *seconds;
        if (artifact.kind == Kind::efficiency) {
          if (auto how = trained_otherwise(*run); !how.empty()) one["trained"] = std::move(how);
        }
        if (std::exchange(first, false)) {
          result["curves"].push_back({{"data", data},
                                      {"variant", cell.variant->name},
                                      {"title", cell.variant->title},
                                      {"metric", "Recall@10"},
                                      {"points", points_of(log, clock, "Recall@10")}});
        }
      }
      result["runs"].push_back(std::move(one));
    }
  }
  if (!findings.incremental.empty()) result["incremental"] = findings.incremental;
  return result;
}

}  // namespace lrurec::reproduce
