// lrurec sweep: a grid of trainings, several seeds each; the best by validation, and only its test metrics.

#include "lrurec/sweep/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "lrurec/data/dataset.h"
#include "lrurec/model/models.h"
#include "lrurec/sweep/results.h"
#include "lrurec/sweep/schedule.h"
#include "lrurec/util/file_lock.h"
#include "lrurec/util/json.h"
#include "lrurec/util/retry.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/signals.h"
#include "tools/lrurec/training_queue.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

namespace fs = std::filesystem;
using sweep::Run;

struct SweepOptions {
  std::string file, output, memory;
  std::vector<std::int64_t> seeds;
  std::int64_t jobs = 0, sample = 0;
  bool dry_run = false, no_test = false, json = false;
};

constexpr const char* sweeper = "lrurec sweep";

class Sweep {
 public:
  explicit Sweep(const SweepOptions& options) : options_(options), plan_(sweep::read_plan(options.file)) {
    if (!options.seeds.empty()) {
      sweep::check_seeds(options.seeds, "--seeds");
      plan_.seeds = options.seeds;
    }
    if (options.jobs > 0) plan_.jobs = options.jobs;
    if (options.sample > 0) plan_.sample = options.sample;
    grid_points_ = std::ssize(plan_.points);
    sweep::draw_sample(plan_);
    // A GPU is for one training at a time, and has memory of its own.
    const bool on_gpu = std::ranges::any_of(
        plan_.points, [](const auto& point) { return Device::parse(point.config.device).is_cuda(); });
    if (plan_.jobs == 0) {
      plan_.jobs =
          on_gpu ? 1 : std::max<std::int64_t>(1, std::thread::hardware_concurrency() / plan_.threads);
    }
    if (!options.memory.empty()) plan_.memory = sweep::parse_memory(options.memory, "--memory");
    if (plan_.memory == 0) {
      plan_.memory = on_gpu ? std::numeric_limits<double>::max() : 0.8 * sweep::available_memory();
    }
    fingerprint_ = data::Dataset::load(plan_.data).fingerprint();
    runs_ = sweep::runs_of(plan_, fingerprint_, options.output);
    queue_.emplace(runs_, TrainingQueue::Limits{plan_.jobs, plan_.memory, "the sweep", plan_.metric}, line_);
    const auto& first = plan_.points.front().config;
    label_ = first.eval_negatives > 0 ? "sampled " : "";
    metric_ = label_ + plan_.metric;
    for (const auto& point : plan_.points) {
      const auto& config = point.config;
      if (config.eval_negatives != first.eval_negatives || config.mask != first.mask ||
          config.validate_users != first.validate_users) {
        fail(ErrorKind::usage,
             "{}: configurations with different eval_negatives, mask or validate_users cannot be compared; "
             "choose one of each",
             options.file);
      }
    }
  }

  void run() {
    if (train::holds_run(options_.output)) {
      fail(ErrorKind::usage, "{} is the folder of a run; choose another folder for the sweep with -o",
           options_.output);
    }
    if (!options_.dry_run) refuse_unless_json_of(sweeper, json_file());
    if (!options_.dry_run && fs::exists(options_.output)) take_folder();
    queue_->look();
    needs_ = queue_->measure();
    if (options_.dry_run) {
      if (interrupted_by() != 0) return TrainingQueue::say_that_nothing_is_kept(line_);
      print_plan();
      return queue_->throw_failures(TrainingQueue::Failures::so_far);
    }
    if (interrupted_by() != 0) return say_how_to_continue();
    fs::create_directories(options_.output);
    if (!lock_) {
      take_folder();
      queue_->look();  // another may have been faster
    }
    queue_->train([this] { write_json_meanwhile(); });
    if (interrupted_by() != 0) return say_how_to_continue();
    order_ = sweep::ranking(plan_, runs_, metric_);
    if (!order_.empty()) best_ = order_.front();
    if (best_ && !options_.no_test) test();
    if (interrupted_by() != 0) return say_how_to_continue();
    report();
  }

 private:
  void take_folder() {
    lock_.emplace(
        options_.output,
        fmt::format(
            "{} is in use by another sweep, or by runs of one that are still saving; wait for them to end",
            options_.output),
        util::FileLock::Holders::and_its_children);
    read_tests_seen();
  }

  void say_how_to_continue() {
    std::string command =
        fmt::format("lrurec sweep {} -o {}", shell_word(options_.file), shell_word(options_.output));
    if (!options_.seeds.empty()) command += fmt::format(" --seeds {}", fmt::join(options_.seeds, ","));
    if (options_.jobs > 0) command += fmt::format(" --jobs {}", options_.jobs);
    if (options_.sample > 0) command += fmt::format(" --sample {}", options_.sample);
    if (!options_.memory.empty()) command += " --memory " + shell_word(options_.memory);
    if (options_.no_test) command += " --no-test";
    if (options_.json) command += " --json";
    TrainingQueue::say_how_to_continue(line_, command);
    if (options_.json) print_json(json());
  }

  void test() {
    std::vector<Run*> chosen;
    for (Run& run : runs_) {
      if (run.point == *best_) chosen.push_back(&run);
    }
    const std::string& title = model::find_model(plan_.points[*best_].config.model).title;
    const auto tests = queue_->test(chosen);
    if (tests.size() < chosen.size()) return;  // a mean over fewer seeds is not comparable
    for (const auto& [folder, evaluation] : tests) {
      for (const auto& [name, value] : evaluation["metrics"][title].items()) test_[name].push_back(value);
    }
    nlohmann::json others = nlohmann::json::array();
    const nlohmann::json seen{{"configuration", plan_.points[*best_].name()},
                              {"seeds", plan_.seeds},
                              {"metrics", sweep::summaries(test_)}};
    for (const auto& one : tests_seen_) {
      if (one != seen) others.push_back(one);
    }
    tests_seen_ = std::move(others);
    tests_seen_.push_back(seen);
  }

  /// What earlier calls looked at stays known: a test that was seen cannot be unseen.
  void read_tests_seen() {
    if (!fs::is_regular_file(json_file()) || fs::is_empty(json_file())) return;
    const nlohmann::json before = util::parse_json(read_text(json_file()));
    const auto is_test = [](const nlohmann::json& one) {
      return one.is_object() && one.contains("configuration") && one.contains("seeds") &&
             one.contains("metrics");
    };
    if (before.is_object() && !before.contains("tests_seen")) return;
    if (!before.is_object() || !before["tests_seen"].is_array() ||
        !std::ranges::all_of(before["tests_seen"], is_test)) {
      fail(ErrorKind::file,
           "{} is damaged: its \"tests_seen\" is no list of tests; put the file back as it was, or move it "
           "away",
           json_file().string());
    }
    tests_seen_ = before["tests_seen"];
  }

  static std::string with_deviation(const sweep::Summary& s) {
    return s.deviation ? fmt::format("{:.4f} +- {:.4f}", s.mean, *s.deviation)
                       : fmt::format("{:.4f}", s.mean);
  }

  nlohmann::json json() const {
    nlohmann::json all = sweep::to_json(plan_, runs_, fingerprint_, metric_, test_);
    if (!tests_seen_.empty()) all["tests_seen"] = tests_seen_;
    all["made_by"] = sweeper;
    return all;
  }
  fs::path json_file() const { return fs::path(options_.output) / "sweep.json"; }
  void write_json() const { write_text(json_file(), util::json_text(json(), 2) + "\n"); }

  /// While runs are at work: a disk that is full for a moment must not end them.
  void write_json_meanwhile() {
    try {
      write_json();
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::io) throw;
      line_.finish();
      warn("warning: {}; the next try is when a run ends", e.what());
    }
  }

  void report() const {
    if (options_.json) {
      print_json(json());
    } else {
      print_results();
    }
    warn_of_unlike_candidates();
    note_channels_that_stay();
    util::retrying([this] { write_json(); });
    queue_->throw_failures();
  }

  /// With mask = "window" the items of the model's input are no candidates, so the candidates depend on
  /// max_length.
  void warn_of_unlike_candidates() const {
    const auto length = plan_.points.front().config.max_length;
    if (plan_.points.front().config.mask != "window") return;
    if (std::all_of(plan_.points.begin(), plan_.points.end(),
                    [&](const auto& point) { return point.config.max_length == length; })) {
      return;
    }
    note(
        "note: runs with another max_length have other validation candidates, which favours the longer; "
        "compare them with lrurec evaluate RUN --split val --mask all, or choose by that: mask = \"all\" "
        "under "
        "[settings]");
  }

  void note_channels_that_stay() const {
    const auto odd = std::ranges::find_if(
        plan_.points, [](const auto& point) { return config::has_unusual_channels(point.config); });
    if (!plan_.names_hidden_alone || odd == plan_.points.end()) return;
    note("note: channels stays {} for every hidden; the paper's is twice hidden (--channels {})",
         odd->config.channels, 2 * odd->config.hidden);
  }

  void print_results() const {
    const std::string other = label_ + (plan_.metric == "Recall@10" ? "NDCG@10" : "Recall@10");
    std::vector<std::vector<std::string>> rows{{"validation", metric_, other, "runs"}};
    for (const std::size_t p : order_) {
      rows.push_back({plan_.points[p].name(),
                      with_deviation(sweep::summarize(sweep::values(runs_, p, metric_))),
                      with_deviation(sweep::summarize(sweep::values(runs_, p, other))),
                      std::to_string(plan_.seeds.size())});
    }
    print_out("{}", table(rows));
    if (plan_.seeds.size() > 1) print_out("mean +- standard deviation over {} seeds\n", plan_.seeds.size());
    if (!best_) return;
    print_out("\nbest by validation: {}\n", plan_.points[*best_].name());
    print_test();
    std::string runs;
    for (const Run& run : runs_) {
      if (run.point == *best_) runs += " " + shell_word(run.folder.string());
    }
    print_out("next: lrurec report{}\n", runs);
  }

  void print_test() const {
    if (test_.empty()) return;
    std::vector<std::vector<std::string>> rows{{"test, of the best alone"}, {plan_.points[*best_].name()}};
    std::vector<std::string> shown{"Recall@10", "Recall@20", "NDCG@10", "NDCG@20"};
    if (std::find(shown.begin(), shown.end(), plan_.metric) == shown.end()) shown.push_back(plan_.metric);
    for (const std::string& name : shown) {
      const std::string key = label_ + name;
      rows[0].push_back(key);
      rows[1].push_back(with_deviation(sweep::summarize(test_.at(key))));
    }
    print_out("{}", table(rows));
  }

  void print_plan() const {
    std::vector<double> missing;
    for (const Run* run : queue_->waiting()) missing.push_back(needs_[run->point].bytes);
    const auto at_once = sweep::most_at_once(missing, plan_.jobs, plan_.memory);
    nlohmann::json json{{"runs", runs_.size()}, {"missing", missing.size()},
                        {"at_once", at_once},   {"memory_bytes", plan_.memory},
                        {"grid", grid_points_}, {"configurations", nlohmann::json::array()}};
    std::vector<std::vector<std::string>> rows{{"configuration", "seeds", "there already", "memory a run"}};
    for (std::size_t p = 0; p < plan_.points.size(); ++p) {
      const auto there = std::count_if(runs_.begin(), runs_.end(),
                                       [&](const Run& run) { return run.point == p && run.finished(); });
      const std::string name = plan_.points[p].name();
      rows.push_back({name, fmt::format("{}", fmt::join(plan_.seeds, " ")), std::to_string(there),
                      needs_[p].bytes > 0 ? fmt::format("{:.0f} MB", needs_[p].bytes / 1e6) : ""});
      json["configurations"].push_back({{"name", name}, {"seeds", plan_.seeds}, {"there", there}});
      if (needs_[p].bytes > 0) json["configurations"].back()["memory_bytes"] = needs_[p].bytes;
    }
    if (options_.json) {
      print_json(json);
      return;
    }
    const std::string limit = plan_.memory < 1e15 ? fmt::format(" within {:.0f} MB", plan_.memory / 1e6) : "";
    if (grid_points_ > std::ssize(plan_.points)) {
      print_out("{} of the grid's {} combinations, drawn at random\n", plan_.points.size(), grid_points_);
    }
    print_out("{}{}, {} to be made, at most {} at once{}, {} each\n", table(rows),
              counted(std::ssize(runs_), "run"), missing.size(), at_once, limit,
              counted(plan_.threads, "thread"));
  }

  const SweepOptions& options_;
  sweep::Plan plan_;
  std::int64_t grid_points_ = 0;  ///< of which plan_ may have a sample
  ProgressLine line_;
  std::string fingerprint_;
  std::string label_, metric_;  ///< "sampled " or "", and the full name of what is chosen by
  std::optional<util::FileLock> lock_;
  std::vector<Run> runs_;
  std::optional<TrainingQueue> queue_;
  std::vector<TrainingQueue::Needs> needs_;  ///< by point
  std::vector<std::size_t> order_;           ///< points by their validation metric, best first
  std::optional<std::size_t> best_;
  std::map<std::string, std::vector<double>> test_;
  nlohmann::json tests_seen_ = nlohmann::json::array();  ///< of this call and those before, latest last
};

void run_sweep(const SweepOptions& options) {
  remember_signals();
  Sweep(options).run();
}

}  // namespace

void add_sweep(CLI::App& app) {
  auto options = std::make_shared<SweepOptions>();
  CLI::App* sub = app.add_subcommand(
      "sweep", "Train a grid of settings with several seeds and pick the best by validation");
  sub->add_option("file", options->file, "file of the sweep (TOML: data, seeds, [settings], [grid])")
      ->required();
  sub->add_option("-o,--output", options->output, "folder of the runs; the same command again continues them")
      ->required();
  sub->add_option("--seeds", options->seeds, "seeds instead of the file's, such as 1,2,3")
      ->delimiter(',')
      ->check(not_empty("a number"));
  sub->add_option("--jobs", options->jobs, "runs at once; default: as the file says, or cores / threads")
      ->check(CLI::Range(1, 1024));
  sub->add_option("--sample", options->sample,
                  "so many combinations of the grid, drawn at random; default: as the file says, or all")
      ->check(CLI::Range(std::int64_t{1}, sweep::most_sample));
  sub->add_option(
      "--memory", options->memory,
      "memory for all runs together, such as \"8 GB\"; default: as the file says, or 80% of what is free");
  sub->add_flag("--dry-run", options->dry_run, "show what would be run, and its memory");
  sub->add_flag("--no-test", options->no_test, "do not evaluate the best configuration on the test items");
  sub->add_flag("--json", options->json, "print one JSON object at the end");
  sub->footer(
      "Runs that are there already are kept, interrupted ones continued. docs/sweep.md has an example file.");
  sub->callback([options] { run_sweep(*options); });
}

}  // namespace lrurec::command
