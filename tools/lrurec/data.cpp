// lrurec data: what a data set is like, and a data set as text again.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "lrurec/data/statistics.h"
#include "lrurec/data/writers.h"
#include "lrurec/eval/baselines.h"
#include "lrurec/eval/statistics.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct DataOptions {
  std::string data, output, format = "sasrec";
  bool json = false, force = false, numbers = false;
};

/// What the last item alone tells: validation metrics of the Markov baseline. Candidates are all items that
/// the user has not had, so that no model's max_length matters.
eval::Evaluation markov(const data::Dataset& data) {
  return eval::evaluate(data, eval::markov_scorer(data, data::Split::validation),
                        {.split = data::Split::validation, .mask = eval::Mask::all});
}

std::string percent(double share) { return fmt::format("{:.2f}%", 100 * share); }

/// A sentence on whether the order of items matters. `d`: NDCG@10 with the order shuffled (a) and as it is
/// (b).
std::string verdict_on_order(const eval::PairedDifference& d) {
  if (d.b <= 1.1 * d.a) {
    return "For the last-item model the order of items hardly matters: shuffled, it loses less than a "
           "tenth of its NDCG@10.\n";
  }
  if (d.p >= 0.05) {
    return fmt::format(
        "Whether the order of items matters is not clear: shuffled, the last-item model has a lower NDCG@10, "
        "but that may be chance (p = {:.2f}).\n",
        d.p);
  }
  return fmt::format("The order of items matters: shuffled, the last-item model loses {} of its NDCG@10.\n",
                     d.a == 0 ? "all" : fmt::format("{:.0f}%", 100 * (1 - d.a / d.b)));
}

void stats(const DataOptions& options) {
  const data::Dataset data = data::Dataset::load(options.data);
  const data::Statistics s = data::statistics(data);
  const auto& protocol = data.protocol();
  nlohmann::json json{{"source", protocol.source},
                      {"fingerprint", data.fingerprint()},
                      {"users", s.users},
                      {"items", s.items},
                      {"interactions", s.interactions},
                      {"mean_length", s.mean_length},
                      {"median_length", s.median_length},
                      {"longest", s.longest},
                      {"sparsity", s.sparsity},
                      {"evaluated_users", s.evaluated_users},
                      {"repeats", s.repeats},
                      {"top_1_percent", s.top_1_percent},
                      {"top_10_percent", s.top_10_percent},
                      {"gini", s.gini},
                      {"test_targets_unseen_in_training", s.unseen_targets}};
  std::vector<std::vector<std::string>> rows{
      {protocol.source, ""},
      {"users", with_commas(s.users)},
      {"items", with_commas(s.items)},
      {"interactions", with_commas(s.interactions)},
      {"length, mean (median, longest)",
       fmt::format("{:.1f} ({:g}, {})", s.mean_length, s.median_length, with_commas(s.longest))},
      {"sparsity", percent(s.sparsity)},
      {"interactions with an item the user had before", percent(s.repeats)},
      {"interactions with the top 1% (10%) of items",
       percent(s.top_1_percent) + " (" + percent(s.top_10_percent) + ")"},
      {"Gini coefficient of items", fmt::format("{:.3f}", s.gini)},
      {"test targets unseen in training",
       fmt::format("{} of {}", with_commas(s.unseen_targets), with_commas(s.evaluated_users))}};
  if (const auto tied = protocol.facts.find("tied_share"); tied != protocol.facts.end()) {
    json["tied_share"] = tied->second;
    rows.push_back({"interactions at the same time as another of the user", percent(tied->second)});
  }
  std::string verdict;
  if (s.evaluated_users > 0) {
    const eval::Evaluation as_is = markov(data), mixed = markov(data::shuffled(data, 1));
    const auto d = eval::compare_paired(mixed.ranks, as_is.ranks, "NDCG@10");
    json["order"] = {{"markov_ndcg10", d.b}, {"markov_ndcg10_shuffled", d.a}, {"p", d.p}, {"mask", "all"}};
    rows.push_back({"last-item Markov, validation NDCG@10, --mask all", fmt::format("{:.4f}", d.b)});
    rows.push_back({"the same, training sequences shuffled", fmt::format("{:.4f}", d.a)});
    verdict = verdict_on_order(d);
  }
  if (options.json) {
    print_json(json);
    return;
  }
  print_out("{}\n{}order: {}; filter: {}; fingerprint {}\n", table(rows), verdict, protocol.order,
            protocol.filter, data.fingerprint());
}

/// A data set keeps the order of its interactions, not their times. Whoever prepares the written file again
/// should know that.
void warn_of_what_is_not_there(const data::Protocol& protocol, data::Format format) {
  const std::string times = format == data::Format::sasrec
                                ? "it has no times"
                                : fmt::format("its times, a {} apart, are made up",
                                              format == data::Format::steam ? "day" : "second");
  if (protocol.split != data::Protocol().split) {
    warn("warning: the written file holds neither the split {} nor the times that it was made from: {}",
         protocol.split, times);
  } else if (protocol.order.starts_with("by time") && format != data::Format::sasrec) {
    warn("warning: {}; a data set keeps the order of its interactions, not when they were", times);
  }
}

void write(const DataOptions& options) {
  const bool to_stdout = options.output == "-";
  std::error_code ignored;  // a missing file equals no other
  if (std::filesystem::equivalent(options.data, options.output, ignored)) {
    fail(ErrorKind::usage, "{} is the data set itself; choose another name with -o", options.output);
  }
  const data::Format format = data::parse_format(options.format, data::FormatFor::writing);
  if (!to_stdout && std::filesystem::exists(options.output) && !options.force) {
    fail(ErrorKind::usage, "{} exists already; replace it with --force or choose another name with -o",
         options.output);
  }
  const data::Dataset data = data::Dataset::load(options.data);
  std::int64_t repeats = 0;
  if (to_stdout) {
    const auto raw = data::raw_text(data, format, options.numbers);
    write_out(raw.text);
    if (flush_output() != 0) return;  // what failed is said at the end
    repeats = raw.repeats;
  } else {
    repeats = data::write_raw(data, format, options.output, options.numbers);
  }
  note("{} interactions written to {} as {}", with_commas(data.interactions()),
       to_stdout ? "standard output" : options.output, options.format);
  if (repeats > 0) {
    warn(
        "warning: {} of them {} the user's item just before, because items between them were filtered out; "
        "lrurec prepare drops such repeats when it reads the file",
        with_commas(repeats), repeats == 1 ? "repeats" : "repeat");
  }
  warn_of_what_is_not_there(data.protocol(), format);
}

}  // namespace

void add_data(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("data", "Look into a data set, or write it as text");
  sub->require_subcommand(1);
  auto options = std::make_shared<DataOptions>();
  CLI::App* stats_sub =
      sub->add_subcommand("stats", "Size, repeats, popularity, and whether the order of items matters");
  stats_sub->add_option("data", options->data, "data set file made by lrurec prepare")->required();
  stats_sub->add_flag("--json", options->json, "print one JSON object");
  stats_sub->callback([options] { stats(*options); });
  CLI::App* write_sub = sub->add_subcommand(
      "write",
      "Write its interactions as text in a raw format; times and ratings, if it has any, are made up");
  write_sub->add_option("data", options->data, "data set file made by lrurec prepare")->required();
  write_sub->add_option("-o,--output", options->output, "text file, - for standard output")->required();
  write_sub->add_option("--format", options->format,
                        "sasrec (default) or another of lrurec prepare's formats");
  write_sub->add_flag("--numbers", options->numbers, "users and items as 1, 2, ... instead of their raw ids");
  write_sub->add_flag("--force", options->force, "replace the file");
  write_sub->callback([options] { write(*options); });
}

}  // namespace lrurec::command
