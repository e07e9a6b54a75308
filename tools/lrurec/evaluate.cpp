// lrurec evaluate: a run's metrics, beside baselines that cost nothing.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <memory>

#include "lrurec/eval/groups.h"
#include "lrurec/eval/statistics.h"
#include "lrurec/util/text.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/evaluation.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

struct EvaluateOptions {
  std::string run, data, split = "test", checkpoint = "best", device = "cpu", mask,
                         per_user;  ///< mask: "" is the run's
  std::vector<std::string> by;
  std::int64_t threads = 0;
  std::optional<std::int64_t> negatives;  ///< instead of the run's setting
  bool json = false;
};

using Intervals = std::map<std::string, eval::Interval>;

std::optional<double> best_possible(const data::Dataset& data, data::Split split) {
  const auto it = data.protocol().facts.find(fmt::format("best_possible_recall10_{}", data::name(split)));
  if (it == data.protocol().facts.end()) return std::nullopt;
  return it->second;
}

std::string metrics_table(const std::vector<EvaluationRow>& rows, const std::string& title,
                          std::optional<double> best) {
  const std::vector<std::string> shown{"Recall@1", "Recall@5", "Recall@10", "Recall@20",
                                       "NDCG@5",   "NDCG@10",  "NDCG@20",   "MRR@10"};
  std::vector<std::vector<std::string>> cells{{rows[0].evaluation.label(title)}};
  cells[0].insert(cells[0].end(), shown.begin(), shown.end());
  for (const auto& row : rows) {
    cells.push_back({row.name});
    for (const auto& name : shown)
      cells.back().push_back(fmt::format("{:.4f}", row.evaluation.metrics.at(name)));
  }
  if (best) cells.push_back({"best possible", "", "", fmt::format("{:.4f}", *best)});
  return table(cells);
}

/// "Recall@10 0.3225 (0.3107 .. 0.3342)" of the model.
std::string interval_text(const eval::Evaluation& evaluation, const Intervals& intervals) {
  std::string text = "95% of resamplings of the users:";
  for (const char* name : {"Recall@10", "NDCG@10"}) {
    const auto& [low, high] = intervals.at(name);
    text += fmt::format("  {} {:.4f} ({:.4f} .. {:.4f})", evaluation.label(name), evaluation.metrics.at(name),
                        low, high);
  }
  return text + "\n";
}

/// Metrics of every group of users, by each row of the result.
nlohmann::json groups_json(const RunEvaluation& result, const std::vector<eval::Group>& groups) {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& group : groups) {
    nlohmann::json& entry = all.emplace_back(
        nlohmann::json{{"least", group.least}, {"most", group.most}, {"users", group.members.size()}});
    for (const auto& row : result.rows) {
      eval::Metrics metrics;
      for (const auto rank : eval::ranks_of(group, row.evaluation.ranks)) metrics.add(rank);
      for (const auto& [name, value] : metrics.all()) {
        entry["metrics"][row.name][row.evaluation.label(name)] = value;
      }
    }
  }
  return all;
}

std::string groups_table(const RunEvaluation& result, eval::GroupBy by,
                         const std::vector<eval::Group>& groups, const nlohmann::json& json) {
  const auto label = [&](const std::string& name) { return result.rows[0].evaluation.label(name); };
  std::vector<std::vector<std::string>> cells{
      {std::string(eval::unit(by)), "users", label("Recall@10"), label("NDCG@10")}};
  for (std::size_t i = 1; i < result.rows.size(); ++i) {
    cells[0].push_back(result.rows[i].name + " " + label("NDCG@10"));
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto value = [&](const EvaluationRow& row, const std::string& name) {
      return fmt::format("{:.4f}", json[g].at("metrics").at(row.name).at(label(name)).get<double>());
    };
    cells.push_back({groups[g].text(), with_commas(std::ssize(groups[g].members)),
                     value(result.rows[0], "Recall@10"), value(result.rows[0], "NDCG@10")});
    for (std::size_t i = 1; i < result.rows.size(); ++i) {
      cells.back().push_back(value(result.rows[i], "NDCG@10"));
    }
  }
  return table(cells);
}

nlohmann::json result_json(const train::LoadedRun& run, const RunEvaluation& result,
                           const std::vector<Intervals>& intervals, std::optional<double> best) {
  const eval::Evaluation& own = result.rows[0].evaluation;
  const nlohmann::json card = result.card.json();
  nlohmann::json json{{"split", result.card.split},
                      {"step", run.step},
                      {"users", own.metrics.users()},
                      {own.label("loss"), *own.loss},
                      {"max_length", run.config.max_length},
                      {"fingerprint", result.card.fingerprint},
                      {"filter", result.card.filter},
                      {"ties", result.card.ties},
                      {"order", result.card.order},
                      {"protocol", card},
                      {"unreachable_targets", std::ranges::count(own.ranks, eval::Metrics::never)}};
  if (own.sampled > 0) {
    json["candidates"] = own.candidates();
  } else {
    json["candidates"] = run.data.items();
  }
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    const auto& row = result.rows[i];
    for (const auto& [name, value] : row.evaluation.metrics.all()) {
      json["metrics"][row.name][own.label(name)] = value;
    }
    for (const auto& [name, interval] : intervals[i]) {
      json["intervals"][row.name][own.label(name)] = {interval.low, interval.high};
    }
  }
  if (best) json["best_possible"]["Recall@10"] = *best;
  return json;
}

// More than "user,item", since many a raw log begins so.
constexpr std::string_view full_ranks_begin = "user,item,rank_",
                           sampled_ranks_begin = "user,item,sampled_rank_";

/// Writes user, item and the target's rank by each row of the result. A rank is empty if the target is no
/// candidate.
void write_per_user(const std::string& path, const data::Dataset& data, const RunEvaluation& result,
                    data::Split split) {
  std::string text = "user,item";
  for (const auto& row : result.rows) {
    text += row.evaluation.sampled > 0 ? ",sampled_rank_" : ",rank_";
    text += util::csv_cell(row.name);
  }
  text += '\n';
  const auto users = data.evaluated_users(split);
  for (std::size_t i = 0; i < users.size(); ++i) {
    text += fmt::format("{},{}", util::csv_cell(data.user_name(users[i])),
                        util::csv_cell(data.item_name(data.target(users[i], split))));
    for (const auto& row : result.rows) {
      const auto rank = row.evaluation.ranks[i];
      text += rank == eval::Metrics::never ? "," : fmt::format(",{}", rank);
    }
    text += '\n';
  }
  nn::write_file_atomically(path, {nn::as_bytes(text)});
}

/// Says on stderr if the model is worse than what costs nothing.
void note_better_baselines(const RunEvaluation& result) {
  const auto& model = result.rows[0];
  std::vector<std::string> better;
  for (std::size_t i = 1; i < result.rows.size(); ++i) {
    const auto& row = result.rows[i];
    if (row.evaluation.metrics.at("NDCG@10") > model.evaluation.metrics.at("NDCG@10")) {
      better.push_back(row.name);
    }
  }
  if (better.empty()) return;
  note("note: {} is below {} in {}; a longer training or other settings may help (lrurec sweep)", model.name,
       fmt::join(better, " and "), model.evaluation.label("NDCG@10"));
}

void run_evaluate(const EvaluateOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const data::Split split = parse_split(options.split);
  std::optional<eval::Mask> mask;  // instead of the run's setting
  if (!options.mask.empty()) mask = eval::parse_mask(options.mask);
  std::vector<eval::GroupBy> groupings;
  for (const auto& by : options.by) groupings.push_back(eval::parse_group_by(by));
  if (options.per_user == "-") fail(ErrorKind::usage, "--per-user needs the name of a file, not -");
  if (!options.per_user.empty()) {
    refuse_to_replace(options.per_user, {full_ranks_begin, sampled_ranks_begin}, "table of ranks",
                      "--per-user");
  }
  const train::LoadedRun loaded = timed("loading the run and its data", [&] {
    return train::load_run(
        {options.run, options.data, options.checkpoint, require_device(Device::parse(options.device))});
  });
  const RunEvaluation result = timed("ranking for model and baselines", [&] {
    return evaluate_run(loaded, {.split = split, .mask = mask, .negatives = options.negatives});
  });
  const eval::Evaluation& own = result.rows[0].evaluation;
  std::vector<Intervals> intervals;
  timed("intervals", [&] {
    for (const auto& row : result.rows) intervals.push_back(eval::bootstrap_intervals(row.evaluation.ranks));
  });
  const auto best = own.sampled > 0 || result.card.mask != eval::Mask::window
                        ? std::nullopt
                        : best_possible(loaded.data, split);

  nlohmann::json json = result_json(loaded, result, intervals, best);
  std::string by_groups;
  for (const auto by : groupings) {
    const auto groups = eval::make_groups(eval::group_values(loaded.data, split, by));
    const auto& made = json["by"][std::string(eval::name(by))] = groups_json(result, groups);
    by_groups += "\n" + groups_table(result, by, groups, made);
  }
  const std::int64_t unreachable = json.at("unreachable_targets");
  std::string file(data::name(split));
  if (result.card.mask != eval::Mask::window) file += "-mask-" + eval::name(result.card.mask);
  if (own.sampled > 0) file += "-sampled";
  if (options.checkpoint != "best") file += "-" + options.checkpoint;
  if (options.json) {
    print_json(json);
  } else {
    print_out("{}weights     {} of step {}\n\n{}{}{}", result.card.text(), loaded.checkpoint_path,
              loaded.step,
              metrics_table(result.rows, split == data::Split::test ? "test" : "validation", best),
              interval_text(own, intervals[0]), by_groups);
    if (unreachable > 0) {
      print_out(
          "{} of {} targets can never be hit: the user had the item before, and such items are no candidates "
          "(--mask)\n",
          with_commas(unreachable), with_commas(own.metrics.users()));
    }
  }
  note_better_baselines(result);
  flush_output();  // whatever becomes of the files
  try {
    loaded.folder.write_evaluation(file, json);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::io) throw;
    warn("warning: the result could not be saved in the run's folder, so reports will lack it: {}", e.what());
  }
  if (!options.per_user.empty()) write_per_user(options.per_user, loaded.data, result, split);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* sub =
      app.add_subcommand("evaluate", "Metrics of a trained run on its test or validation targets");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("--split", options->split, "test (default) or val");
  sub->add_option("--data", options->data, "data set file, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--mask", options->mask,
                  "items that are no candidates: none, window (the last max_length of the history, however "
                  "many the model reads) or all (of the history); default: as the run was trained")
      ->check(not_empty("a name"));
  sub->add_option("--eval-negatives", options->negatives,
                  "rank among this many random items, 0 = all; default: as the run was trained")
      ->check(CLI::Range(0, 1000000000));
  sub->add_option(
         "--by", options->by,
         "also for groups of users: history (by the length of their history), popularity (by how often "
         "their target occurs in training) or both, with a comma")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub->add_option("--per-user", options->per_user,
                  "write each user's target and its ranks to this CSV file (an id that a spreadsheet would "
                  "take for a formula, or that begins with an apostrophe, gets an apostrophe before it)");
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_evaluate(*options); });
}

}  // namespace lrurec::command
