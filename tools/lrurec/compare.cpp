// lrurec compare: are two runs different, or is it the users that happened to be asked?

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <map>
#include <memory>
#include <set>

#include "lrurec/eval/groups.h"
#include "lrurec/eval/statistics.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/evaluation.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

struct CompareOptions {
  std::vector<std::string> runs;
  std::vector<std::string> metrics{"Recall@10", "NDCG@10"};
  std::string data, split = "test", checkpoint = "best", device = "cpu", mask;  ///< mask: "" is each run's
  std::int64_t threads = 0;
  std::optional<std::int64_t> negatives;
  std::string by;
  bool force = false, json = false;
};

struct RankedUser {
  std::int64_t rank = 0;
  std::int64_t group_value = 0;  ///< with --by: what the user is grouped by
};

/// One run's users by their raw ids.
struct Ranked {
  eval::ProtocolCard card;
  std::map<std::string, RankedUser> of_user;
};

/// Users that are compared, in the same order.
struct Pairs {
  std::vector<std::int64_t> there, here;
  std::vector<std::int64_t> group_values;
};

/// `candidates_seed`: set by the first run to its seed, and used for all.
Ranked rank(const std::string& path, const CompareOptions& options,
            std::optional<std::uint64_t>& candidates_seed) {
  const data::Split split = parse_split(options.split);
  const train::LoadedRun run = train::load_run(
      {path, options.data, options.checkpoint, require_device(Device::parse(options.device))});
  if (!candidates_seed) candidates_seed = static_cast<std::uint64_t>(run.config.seed);
  std::optional<eval::Mask> mask;  // instead of the run's setting
  if (!options.mask.empty()) mask = eval::parse_mask(options.mask);
  RunEvaluation result = evaluate_run(run, {.split = split,
                                            .mask = mask,
                                            .negatives = options.negatives,
                                            .candidates_seed = candidates_seed,
                                            .baselines = false});
  Ranked ranked{std::move(result.card), {}};
  const auto users = run.data.evaluated_users(split);
  std::vector<std::int64_t> values(users.size());
  if (!options.by.empty()) values = eval::group_values(run.data, split, eval::parse_group_by(options.by));
  for (std::size_t i = 0; i < users.size(); ++i) {
    ranked.of_user.emplace(run.data.user_name(users[i]),
                           RankedUser{result.rows[0].evaluation.ranks[i], values[i]});
  }
  return ranked;
}

Pairs users_of_both(const Ranked& base, const Ranked& other) {
  Pairs pairs;
  for (const auto& [user, there] : base.of_user) {
    const auto here = other.of_user.find(user);
    if (here == other.of_user.end()) continue;
    pairs.there.push_back(there.rank);
    pairs.here.push_back(here->second.rank);
    pairs.group_values.push_back(there.group_value);
  }
  return pairs;
}

nlohmann::json difference_json(const eval::PairedDifference& d) {
  return {{"base", d.a},
          {"run", d.b},
          {"difference", d.difference},
          {"interval", {d.interval.low, d.interval.high}},
          {"p", d.p},
          {"users_that_differ", d.differing}};
}

/// Cells of a table's row after the metric's name.
std::vector<std::string> difference_cells(const eval::PairedDifference& d, const std::string& verdict) {
  return {fmt::format("{:.4f}", d.a),
          fmt::format("{:.4f}", d.b),
          fmt::format("{:+.4f}", d.difference),
          fmt::format("{:+.4f} .. {:+.4f}", d.interval.low, d.interval.high),
          d.p < 0.001 ? "<0.001" : fmt::format("{:.3f}", d.p),
          verdict};
}

std::string verdict(const eval::PairedDifference& d) {
  if (d.differing == 0) return "the same for every user";
  if (d.p >= 0.05) return "no difference shown";
  return d.difference > 0 ? "better" : "worse";
}

/// "Recall@10" or "sampled Recall@10"; if the two runs have different candidates, both: "Recall@10 / sampled
/// Recall@10".
std::string label_of(const std::string& metric, const eval::ProtocolCard& there,
                     const eval::ProtocolCard& here) {
  const auto of = [&](const eval::ProtocolCard& card) {
    return (card.sampled > 0 ? "sampled " : "") + metric;
  };
  return of(there) == of(here) ? of(there) : of(there) + " / " + of(here);
}

/// Users of both runs, all of them or a group, with their ranks.
struct Part {
  std::string text;
  std::vector<std::int64_t> there, here;
};

/// The first run beside the others, as a table and as JSON.
class Comparison {
 public:
  Comparison(const CompareOptions& options, eval::ProtocolCard base)
      : options_(options),
        base_(std::move(base)),
        json_{{"base", options.runs[0]}, {"protocol", base_.json()}} {
    if (!options.by.empty()) by_ = eval::parse_group_by(options.by);
    auto& header = rows_.emplace_back(std::vector<std::string>{"against " + options.runs[0], "metric"});
    if (by_) header.insert(header.end(), {std::string(eval::unit(*by_)), "users"});
    header.insert(header.end(), {"there", "here", "difference", "95% interval", "p", ""});
  }

  /// differences: in what the protocols differ.
  void add(const std::string& path, const Pairs& pairs, const eval::ProtocolCard& card,
           const std::vector<std::string>& differences) {
    users_compared_.insert(pairs.here.size());
    nlohmann::json entry{{"run", path}, {"users", pairs.here.size()}, {"protocol_differences", differences}};
    std::vector<Part> parts{{"all", pairs.there, pairs.here}};
    std::vector<nlohmann::json> of_group;
    const auto groups = by_ ? eval::make_groups(pairs.group_values) : std::vector<eval::Group>{};
    for (const auto& group : groups) {
      parts.push_back({group.text(), eval::ranks_of(group, pairs.there), eval::ranks_of(group, pairs.here)});
      of_group.push_back({{"least", group.least}, {"most", group.most}, {"users", group.members.size()}});
    }
    for (const auto& metric : options_.metrics) {
      const std::string label = label_of(metric, base_, card);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto d = eval::compare_paired(parts[i].there, parts[i].here, metric);
        (i == 0 ? entry : of_group[i - 1])["metrics"][label] = difference_json(d);
        auto& row = rows_.emplace_back(std::vector<std::string>{path, label});
        if (by_) row.insert(row.end(), {parts[i].text, with_commas(std::ssize(parts[i].here))});
        const auto cells = difference_cells(d, differences.empty() ? verdict(d) : "not comparable");
        row.insert(row.end(), cells.begin(), cells.end());
      }
    }
    if (by_) entry["by"][std::string(eval::name(*by_))] = of_group;
    json_["runs"].push_back(entry);
    if (differences.empty()) {
      tests_ += options_.metrics.size() * parts.size();
    } else {
      unlike_ += fmt::format("  {}: {} in common; unlike: {}\n", path,
                             counted(std::ssize(pairs.here), "user"), fmt::join(differences, ", "));
    }
  }

  void print() const {
    if (options_.json) {
      print_json(json_);
      return;
    }
    eval::ProtocolCard card = base_;
    if (users_compared_.size() == 1) card.users = static_cast<std::int64_t>(*users_compared_.begin());
    print_out("{}\n{}", card.text(), table(rows_));
    if (!unlike_.empty()) {
      print_out("UNLIKE PROTOCOLS: these numbers are not comparable; --force was given\n{}", unlike_);
    }
    print_out(
        "(p: paired randomisation test over users; one run each tells nothing about other seeds, see lrurec "
        "sweep)\n");
    if (tests_ > 1) {
      print_out("({} tests: where nothing differs, {:.2g} of them would have p < .05 by chance)\n", tests_,
                static_cast<double>(tests_) / 20);
    }
  }

 private:
  const CompareOptions& options_;
  eval::ProtocolCard base_;
  std::optional<eval::GroupBy> by_;
  nlohmann::json json_;
  std::vector<std::vector<std::string>> rows_;
  std::set<std::size_t> users_compared_;
  std::string unlike_;
  std::size_t tests_ = 0;
};

void run_compare(const CompareOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  if (!options.by.empty()) eval::parse_group_by(options.by);  // refuse it before ranking anything
  for (const auto& metric : options.metrics) {
    const auto& known = eval::metric_names();
    if (std::find(known.begin(), known.end(), metric) == known.end()) {
      fail(ErrorKind::usage, "--metrics: there is no metric '{}'; there are {}", metric,
           fmt::join(known, ", "));
    }
  }
  std::optional<std::uint64_t> candidates_seed;
  const Ranked base = rank(options.runs[0], options, candidates_seed);
  Comparison comparison(options, base.card);
  for (std::size_t i = 1; i < options.runs.size(); ++i) {
    const std::string& path = options.runs[i];
    const Ranked other = rank(path, options, candidates_seed);
    const auto differences = eval::ProtocolCard::differences(base.card, other.card);
    if (!differences.empty() && !options.force) {
      fail(ErrorKind::usage,
           "{} and {} were measured under different protocols: {}; such metrics are not comparable; {}",
           options.runs[0], path, fmt::join(differences, ", "), eval::ProtocolCard::remedy(differences));
    }
    const Pairs pairs = users_of_both(base, other);
    if (pairs.here.empty()) {
      fail(ErrorKind::data, "{} and {} have no user in common; compare runs on the same data set",
           options.runs[0], path);
    }
    comparison.add(path, pairs, other.card, differences);
  }
  comparison.print();
}

}  // namespace

void add_compare(CLI::App& app) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* sub =
      app.add_subcommand("compare", "Compare runs user by user: is the difference more than chance?");
  sub->add_option("runs", options->runs, "folders of two or more runs; the first is compared with each other")
      ->required()
      ->expected(2, 1000);
  sub->add_option("--metrics", options->metrics, "default: Recall@10,NDCG@10")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub->add_option("--by", options->by,
                  "also for groups of users: history (by the length of their history) or popularity (by how "
                  "often their target occurs in training)")
      ->check(not_empty("a name"));
  sub->add_option("--split", options->split, "test (default) or val");
  sub->add_option("--data", options->data, "data set file of all the runs, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--mask", options->mask,
                  "items that are no candidates: none, window or all (of the history); default: as the runs "
                  "were trained")
      ->check(not_empty("a name"));
  sub->add_option("--eval-negatives", options->negatives,
                  "rank among this many random items, 0 = all; default: as the runs were trained")
      ->check(CLI::Range(0, 1000000000));
  sub->add_flag("--force", options->force, "compare although the protocols differ");
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_compare(*options); });
}

}  // namespace lrurec::command
