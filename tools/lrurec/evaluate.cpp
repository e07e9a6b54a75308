// lrurec evaluate: full-ranking metrics of a run, beside baselines that cost nothing.

#include <fmt/format.h>
#include <omp.h>

#include <memory>
#include <optional>

#include "lrurec/eval/baselines.h"
#include "lrurec/train/run_folder.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct Options {
  std::string run, data, split = "test", checkpoint = "best";
  std::int64_t threads = 0;
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

void print(const std::vector<Row>& rows, const data::Dataset& data, data::Split split,
           const std::string& protocol) {
  const std::vector<std::string> shown{"Recall@1", "Recall@5", "Recall@10", "Recall@20",
                                       "NDCG@5",   "NDCG@10",  "NDCG@20",   "MRR@10"};
  std::vector<std::vector<std::string>> cells{{data::name(split) == "val" ? "validation" : "test"}};
  cells[0].insert(cells[0].end(), shown.begin(), shown.end());
  for (const auto& row : rows) {
    cells.push_back({row.name});
    for (const auto& name : shown)
      cells.back().push_back(fmt::format("{:.4f}", row.evaluation.metrics.at(name)));
  }
  if (const auto best = best_possible(data, split)) {
    cells.push_back({"best possible", "", "", fmt::format("{:.4f}", *best)});
  }
  fmt::print("{}\n{}", protocol, table(cells));
}

void run(const Options& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
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
  model::LRURec model(config.model(data.items()), 0);
  train::load_parameters(checkpoint, path.string(), model);

  const eval::EvaluateOptions model_options{split, config.max_length, 0, /*with_loss=*/true};
  eval::EvaluateOptions plain = model_options;
  plain.with_loss = false;
  std::vector<Row> rows;
  rows.push_back({"LRURec", eval::evaluate(data, model, model_options)});
  rows.push_back({"last-item Markov", eval::evaluate(data, eval::markov_scorer(data, split), plain)});
  rows.push_back({"popularity", eval::evaluate(data, eval::popularity_scorer(data), plain)});

  const auto& protocol = data.protocol();
  nlohmann::json json{{"split", data::name(split)},
                      {"step", checkpoint.progress.step},
                      {"users", rows[0].evaluation.metrics.users()},
                      {"loss", *rows[0].evaluation.loss},
                      {"candidates", data.items()},
                      {"max_length", config.max_length},
                      {"fingerprint", data.fingerprint()},
                      {"filter", protocol.filter},
                      {"ties", protocol.ties},
                      {"order", protocol.order}};
  for (const auto& row : rows) {
    for (const auto& [name, value] : row.evaluation.metrics.all()) json["metrics"][row.name][name] = value;
  }
  if (const auto best = best_possible(data, split)) json["best_possible"]["Recall@10"] = *best;
  folder.write_evaluation(options.split == "test" ? "test" : "val", json);
  if (options.json) {
    fmt::print("{}\n", json.dump(2));
    return;
  }
  print(rows, data, split,
        fmt::format(
            "data      {} ({}), filter {}, {}\n"
            "protocol  leave-last-out, all {} items are candidates but those in the last {} of the history,\n"
            "          equal scores count against the model, mean over {} users\n"
            "weights   {} of step {}\n",
            protocol.source, data.fingerprint().substr(0, 12), protocol.filter, protocol.order,
            with_commas(data.items()), config.max_length, with_commas(rows[0].evaluation.metrics.users()),
            path.string(), checkpoint.progress.step));
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
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run(*options); });
}

}  // namespace lrurec::command
