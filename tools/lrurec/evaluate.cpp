// lrurec evaluate: full-ranking metrics of a run, beside baselines that cost nothing.

#include <fmt/format.h>
#include <omp.h>

#include <memory>
#include <optional>

#include "lrurec/eval/baselines.h"
#include "lrurec/eval/sampled.h"
#include "lrurec/train/run_folder.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct Options {
  std::string run, data, split = "test", checkpoint = "best", device = "cpu";
  std::int64_t threads = 0;
  std::optional<std::int64_t> negatives;  ///< instead of the run's setting
  bool json = false;
};

struct Row {
  std::string name;
  eval::Evaluation evaluation;
};

data::Split parse_split(const std::string& text) {
  if (text == "val" || text == "validation") return data::Split::validation;
  if (text == "test") return data::Split::test;
  fail(ErrorKind::usage, "--split must be val or test, not '{}'", text);
}

std::optional<double> best_possible(const data::Dataset& data, data::Split split) {
  const auto it = data.protocol().facts.find(fmt::format("best_possible_recall10_{}", data::name(split)));
  if (it == data.protocol().facts.end()) return std::nullopt;
  return it->second;
}

void print(const std::vector<Row>& rows, const std::string& split, std::optional<double> best,
           const std::string& protocol) {
  const std::vector<std::string> shown{"Recall@1", "Recall@5", "Recall@10", "Recall@20",
                                       "NDCG@5",   "NDCG@10",  "NDCG@20",   "MRR@10"};
  std::vector<std::vector<std::string>> cells{{rows[0].evaluation.label(split)}};
  cells[0].insert(cells[0].end(), shown.begin(), shown.end());
  for (const auto& row : rows) {
    cells.push_back({row.name});
    for (const auto& name : shown)
      cells.back().push_back(fmt::format("{:.4f}", row.evaluation.metrics.at(name)));
  }
  if (best) cells.push_back({"best possible", "", "", fmt::format("{:.4f}", *best)});
  fmt::print("{}\n{}", protocol, table(cells));
}

std::vector<Row> rank_all(const model::LRURec& model, const data::Dataset& data, data::Split split,
                          const config::TrainConfig& config) {
  const eval::EvaluateOptions plain{.split = split, .max_length = config.max_length};
  eval::EvaluateOptions with_loss = plain;
  with_loss.with_loss = true;
  return {{"LRURec", eval::evaluate(data, model, with_loss)},
          {"last-item Markov", eval::evaluate(data, eval::markov_scorer(data, split), plain)},
          {"popularity", eval::evaluate(data, eval::popularity_scorer(data), plain)}};
}

std::vector<Row> rank_sampled(const model::LRURec& model, const data::Dataset& data, data::Split split,
                              const config::TrainConfig& config, std::int64_t negatives) {
  const eval::SampledEvaluateOptions plain{.split = split,
                                           .max_length = config.max_length,
                                           .negatives = negatives,
                                           .seed = static_cast<std::uint64_t>(config.seed)};
  eval::SampledEvaluateOptions with_loss = plain;
  with_loss.with_loss = true;
  const auto scorer = eval::model_candidate_scorer(model, data, split, config.max_length);
  return {
      {"LRURec", eval::evaluate_sampled(data, scorer, with_loss)},
      {"last-item Markov", eval::evaluate_sampled(data, eval::markov_candidate_scorer(data, split), plain)},
      {"popularity", eval::evaluate_sampled(data, eval::popularity_candidate_scorer(data), plain)}};
}

void run(const Options& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const Device device = require_device(Device::parse(options.device));
  const data::Split split = parse_split(options.split);
  const auto folder = train::RunFolder::open(options.run);
  const auto path = folder.checkpoint(options.checkpoint);
  const train::Checkpoint checkpoint = train::Checkpoint::load(path);
  const config::TrainConfig config = checkpoint.parse_config(path.string());
  const data::Dataset data =
      data::Dataset::load(options.data.empty() ? folder.data_path() : std::filesystem::path(options.data));
  if (data.fingerprint() != checkpoint.fingerprint) {
    fail(ErrorKind::file,
         "{} was trained on another data set (fingerprint {} instead of {}); name it with --data",
         options.run, checkpoint.fingerprint, data.fingerprint());
  }
  const std::int64_t negatives = options.negatives.value_or(config.eval_negatives);
  model::LRURec model(config.model(data.items()), 0);
  train::load_parameters(checkpoint, path.string(), model);
  model.to(device);

  const std::vector<Row> rows = negatives > 0 ? rank_sampled(model, data, split, config, negatives)
                                              : rank_all(model, data, split, config);
  const eval::Evaluation& own = rows[0].evaluation;

  const auto& protocol = data.protocol();
  nlohmann::json json{{"split", data::name(split)},      {"step", checkpoint.progress.step},
                      {"users", own.metrics.users()},    {own.label("loss"), *own.loss},
                      {"max_length", config.max_length}, {"fingerprint", data.fingerprint()},
                      {"filter", protocol.filter},       {"ties", protocol.ties},
                      {"order", protocol.order}};
  if (own.sampled > 0) {
    json["candidates"] = own.candidates();
  } else {
    json["candidates"] = data.items();
  }
  for (const auto& row : rows) {
    for (const auto& [name, value] : row.evaluation.metrics.all()) {
      json["metrics"][row.name][own.label(name)] = value;
    }
  }
  const auto best = own.sampled > 0 ? std::nullopt : best_possible(data, split);
  if (best) json["best_possible"]["Recall@10"] = *best;
  folder.write_evaluation(fmt::format("{}{}", data::name(split), own.sampled > 0 ? "-sampled" : ""), json);
  if (options.json) {
    fmt::print("{}\n", json.dump(2));
    return;
  }
  const std::string candidates =
      own.sampled > 0 ? fmt::format(
                            "SAMPLED: {} random candidates and the target, not the last {} of the history;\n"
                            "          these metrics are not comparable with those over all {} items;\n",
                            with_commas(own.sampled), config.max_length, with_commas(data.items()))
                      : fmt::format("all {} items are candidates but those in the last {} of the history,\n",
                                    with_commas(data.items()), config.max_length);
  print(rows, data::name(split) == "val" ? "validation" : "test", best,
        fmt::format("data      {} ({}), filter {}, {}\n"
                    "protocol  leave-last-out, {}"
                    "          equal scores count against the model, mean over {} users\n"
                    "weights   {} of step {}\n",
                    protocol.source, data.fingerprint().substr(0, 12), protocol.filter, protocol.order,
                    candidates, with_commas(own.metrics.users()), path.string(), checkpoint.progress.step));
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("evaluate", "Full-ranking metrics of a trained run");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("--split", options->split, "test (default) or val");
  sub->add_option("--data", options->data, "data set file, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_option("--eval-negatives", options->negatives,
                  "rank among so many random items, 0 = all; default: as the run was trained")
      ->check(CLI::Range(0, 1000000000));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run(*options); });
}

}  // namespace lrurec::command
