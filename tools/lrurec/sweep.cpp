// lrurec sweep: a grid of trainings, several seeds each; the best by validation, and only its test metrics.

#include "lrurec/sweep/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "lrurec/data/dataset.h"
#include "lrurec/sweep/results.h"
#include "lrurec/sweep/schedule.h"
#include "lrurec/util/file_lock.h"
#include "lrurec/util/json.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"
#include "tools/lrurec/child.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using sweep::Run;
using sweep::RunState;

struct SweepOptions {
  std::string file, output, memory;
  std::vector<std::int64_t> seeds;
  std::int64_t jobs = 0;
  bool dry_run = false, no_test = false, json = false;
};

fs::path beside(const Run& run, const char* suffix) { return run.folder.string() + suffix; }

std::string text_of(const fs::path& file) {
  const auto bytes = nn::read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string last_line(const fs::path& file) {
  std::string text = text_of(file);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

void write_text(const fs::path& file, const std::string& text) {
  nn::write_file_atomically(file, {nn::as_bytes(text)});
}

/// A folder that disappears with all that is in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "lrurec-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      fail(ErrorKind::io, "cannot make a folder in {}: {}", fs::temp_directory_path().string(),
           std::strerror(errno));
    }
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

class Sweep {
 public:
  explicit Sweep(const SweepOptions& options) : options_(options), plan_(sweep::read_plan(options.file)) {
    if (!options.seeds.empty()) {
      sweep::check_seeds(options.seeds, "--seeds");
      plan_.seeds = options.seeds;
    }
    if (options.jobs > 0) plan_.jobs = options.jobs;
    if (plan_.jobs == 0) {
      plan_.jobs = std::max<std::int64_t>(1, std::thread::hardware_concurrency() / plan_.threads);
    }
    if (!options.memory.empty()) plan_.memory = sweep::parse_memory(options.memory, "--memory");
    if (plan_.memory == 0) plan_.memory = 0.8 * sweep::available_memory();
    fingerprint_ = data::Dataset::load(plan_.data).fingerprint();
    runs_ = sweep::runs_of(plan_, options.output);
    const auto& first = plan_.points.front().config;
    label_ = first.eval_negatives > 0 ? "sampled " : "";
    metric_ = label_ + plan_.metric;
    for (const auto& point : plan_.points) {
      if (point.config.eval_negatives != first.eval_negatives) {
        fail(ErrorKind::usage,
             "{}: validation among different numbers of items cannot be compared; choose one eval_negatives",
             options.file);
      }
    }
  }

  void run() {
    if (!options_.dry_run && fs::exists(options_.output)) lock();
    for (Run& run : runs_) look_at(run);
    measure_memory();
    if (options_.dry_run) return print_plan();
    if (interrupted_by() != 0) return say_how_to_continue();
    fs::create_directories(options_.output);
    if (!lock_) {
      lock();
      for (Run& run : runs_) look_at(run);  // another may have been faster
    }
    train();
    if (interrupted_by() != 0) return say_how_to_continue();
    order_ = sweep::ranking(plan_, runs_, metric_);
    if (!order_.empty()) best_ = order_.front();
    if (best_ && !options_.no_test) test();
    if (interrupted_by() != 0) return say_how_to_continue();
    report();
  }

 private:
  void lock() {
    lock_.emplace(
        options_.output,
        fmt::format(
            "{} is in use by another sweep, or by runs of one that are still saving; wait for them to end",
            options_.output),
        util::FileLock::Holders::and_its_children);
  }

  void say_how_to_continue() {
    line_.print(fmt::format("interrupted; what was at work has saved. Continue with: lrurec sweep {} -o {}",
                            options_.file, options_.output));
  }

  void look_at(Run& run) const { run.state = sweep::look_at(run.folder, run.config, fingerprint_); }

  std::string label(const Run& run) const {
    return fmt::format("{} seed={}", plan_.points[run.point].name(), run.config.seed);
  }

  /// What each configuration needs: a few steps of it are run, for no formula knows its allocations; what
  /// they do not do is added.
  void measure_memory() {
    bytes_.assign(plan_.points.size(), 0);
    const ScratchFolder scratch;
    for (std::size_t p = 0; p < plan_.points.size() && interrupted_by() == 0; ++p) {
      const bool needed = std::any_of(runs_.begin(), runs_.end(),
                                      [&](const Run& run) { return run.point == p && !run.finished(); });
      if (!needed) continue;
      line_.update(fmt::format("measuring memory: {}", plan_.points[p].name()));
      const fs::path settings = scratch / "settings.toml", out = scratch / "out", err = scratch / "err";
      write_text(settings, config::to_toml(plan_.points[p].config));
      Child child({"train", plan_.data.string(), "--dry-run", "--json", "--config", settings.string()}, out,
                  err);
      if (const int code = wait(child); code != 0) {
        if (interrupted_by() != 0) return;
        give_up(p, code, last_line(err));
        continue;
      }
      const auto json = util::parse_json(text_of(out));
      bytes_[p] =
          sweep::run_memory(json["peak_memory_bytes"].get<double>(), json["real_parameters"].get<double>());
      if (bytes_[p] > plan_.memory) {
        fail(ErrorKind::out_of_memory,
             "{} alone needs about {:.0f} MB, and the sweep may take {:.0f} MB; allow more with --memory or "
             "make batch_size smaller",
             plan_.points[p].name(), bytes_[p] / 1e6, plan_.memory / 1e6);
      }
    }
    line_.finish();
  }

  /// What cannot make a few steps is not tried again with every seed.
  void give_up(std::size_t point, int code, const std::string& complaint) {
    for (Run& run : runs_) {
      if (run.point != point || run.finished()) continue;
      run.exit_code = code;
      run.complaint = complaint;
    }
    line_.print(fmt::format("{}: failed with exit code {}: {}", plan_.points[point].name(), code, complaint));
  }

  int wait(Child& child) const {
    bool stopped = false;
    while (true) {
      if (const auto code = child.ended()) return *code;
      if (interrupted_by() != 0 && !std::exchange(stopped, true)) child.stop();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  Child start(const Run& run) const {
    fs::create_directories(run.folder.parent_path());
    // A run that ended before its first checkpoint has nothing to continue from.
    if (run.state.kind == RunState::Kind::missing) fs::remove_all(run.folder);
    write_text(beside(run, ".toml"), config::to_toml(run.config));
    std::vector<std::string> arguments{
        "train",    plan_.data.string(),           "-o",      run.folder.string(),
        "--config", beside(run, ".toml").string(), "--quiet", "--json"};
    if (run.state.kind == RunState::Kind::begun) arguments.emplace_back("--resume");
    return {arguments, beside(run, ".json"), beside(run, ".log")};
  }

  void train() {
    std::vector<std::size_t> waiting;  // into runs_
    std::vector<double> bytes;
    std::size_t there = 0;
    for (std::size_t r = 0; r < runs_.size(); ++r) {
      if (runs_[r].finished()) {
        ++there;
      } else if (runs_[r].exit_code == 0) {  // not given up already
        waiting.push_back(r);
        bytes.push_back(bytes_[runs_[r].point]);
      }
    }
    if (there > 0) line_.print(fmt::format("{} of {} runs are there already", there, runs_.size()));
    sweep::Schedule schedule(bytes, plan_.jobs, plan_.memory);
    struct Working {
      std::size_t place;
      Clock::time_point since;
      Child child;
    };
    std::list<Working> working;
    std::size_t done = 0;
    bool stopping = false;
    while (done < waiting.size()) {
      if (interrupted_by() != 0 && !std::exchange(stopping, true)) {
        for (const Working& w : working) w.child.stop();
      }
      if (stopping && working.empty()) return;
      if (!stopping) {
        while (const auto place = schedule.start()) {
          working.push_back({*place, Clock::now(), start(runs_[waiting[*place]])});
        }
      }
      for (auto w = working.begin(); w != working.end();) {
        const auto code = w->child.ended();
        if (!code) {
          ++w;
          continue;
        }
        Run& run = runs_[waiting[w->place]];
        run.exit_code = *code;
        schedule.finish(w->place);
        ++done;
        if (!stopping) finished(run, std::chrono::duration<double>(Clock::now() - w->since).count());
        w = working.erase(w);
        write_json();
      }
      line_.update(fmt::format("{} {} of {} runs, {} at work", bar(share(done, waiting.size()), 20), done,
                               waiting.size(), schedule.at_work()));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    line_.finish();
  }

  static double share(std::size_t part, std::size_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
  }

  void finished(Run& run, double seconds) {
    look_at(run);
    if (run.exit_code == 0 && run.finished()) {
      line_.print(fmt::format("{}: validation {} {:.4f} at step {} ({})", label(run), metric_,
                              run.state.validation[metric_], run.state.best_step, duration(seconds)));
      return;
    }
    run.complaint = last_line(beside(run, ".log"));
    line_.print(fmt::format("{}: failed with exit code {}: {}", label(run), run.exit_code, run.complaint));
  }

  void test() {
    for (const Run& run : runs_) {
      if (run.point != *best_) continue;
      line_.update("test: " + label(run));
      Child child({"evaluate", run.folder.string(), "--threads", std::to_string(plan_.threads), "--json"},
                  beside(run, ".test.json"), beside(run, ".test.log"));
      if (const int code = wait(child); code != 0) {
        if (interrupted_by() != 0) return;
        throw Error(static_cast<ErrorKind>(code >= 1 && code <= 8 ? code : 1),
                    last_line(beside(run, ".test.log")));
      }
      const auto json = util::parse_json(text_of(beside(run, ".test.json")));
      for (const auto& [name, value] : json["metrics"]["LRURec"].items()) test_[name].push_back(value);
    }
    line_.finish();
  }

  static std::string with_deviation(const sweep::Summary& s) {
    return s.deviation ? fmt::format("{:.4f} +- {:.4f}", s.mean, *s.deviation)
                       : fmt::format("{:.4f}", s.mean);
  }

  nlohmann::json json() const { return sweep::to_json(plan_, runs_, fingerprint_, metric_, test_); }
  void write_json() const {
    write_text(fs::path(options_.output) / "sweep.json", util::json_text(json(), 2) + "\n");
  }

  void report() const {
    write_json();
    const auto failed =
        std::find_if(runs_.begin(), runs_.end(), [](const Run& run) { return !run.finished(); });
    if (options_.json) {
      print_json(json());
    } else {
      print_results();
    }
    warn_of_unlike_candidates();
    if (failed == runs_.end()) return;
    const int code = failed->exit_code;
    const auto count =
        std::count_if(runs_.begin(), runs_.end(), [](const Run& run) { return !run.finished(); });
    throw Error(static_cast<ErrorKind>(code >= 1 && code <= 8 ? code : 1),
                fmt::format("{} of {} runs failed; the first, {}, with exit code {}: {}", count, runs_.size(),
                            label(*failed), code, failed->complaint));
  }

  /// Validation takes the items of the model's input out of the candidates, which max_length decides.
  void warn_of_unlike_candidates() const {
    const auto length = plan_.points.front().config.max_length;
    if (std::all_of(plan_.points.begin(), plan_.points.end(),
                    [&](const auto& point) { return point.config.max_length == length; })) {
      return;
    }
    note(
        "note: with another max_length validation has other candidates, which favours the longer; compare "
        "with lrurec evaluate RUN --split val --mask all");
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
    if (test_.empty()) return;
    rows = {{"test, of the best alone"}, {plan_.points[*best_].name()}};
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
    if (interrupted_by() != 0) return;
    std::vector<double> missing;
    for (const Run& run : runs_) {
      if (!run.finished() && run.exit_code == 0) missing.push_back(bytes_[run.point]);
    }
    const auto at_once = sweep::most_at_once(missing, plan_.jobs, plan_.memory);
    nlohmann::json json{{"runs", runs_.size()},
                        {"missing", missing.size()},
                        {"at_once", at_once},
                        {"memory_bytes", plan_.memory},
                        {"configurations", nlohmann::json::array()}};
    std::vector<std::vector<std::string>> rows{{"configuration", "seeds", "there already", "memory a run"}};
    for (std::size_t p = 0; p < plan_.points.size(); ++p) {
      const auto there = std::count_if(runs_.begin(), runs_.end(),
                                       [&](const Run& run) { return run.point == p && run.finished(); });
      const std::string name = plan_.points[p].name();
      rows.push_back({name, fmt::format("{}", fmt::join(plan_.seeds, " ")), std::to_string(there),
                      bytes_[p] > 0 ? fmt::format("{:.0f} MB", bytes_[p] / 1e6) : ""});
      json["configurations"].push_back({{"name", name}, {"seeds", plan_.seeds}, {"there", there}});
      if (bytes_[p] > 0) json["configurations"].back()["memory_bytes"] = bytes_[p];
    }
    if (options_.json) {
      print_json(json);
      return;
    }
    print_out("{}{} runs, {} to be made, at most {} at once within {:.0f} MB, {} threads each\n", table(rows),
              runs_.size(), missing.size(), at_once, plan_.memory / 1e6, plan_.threads);
  }

  const SweepOptions& options_;
  sweep::Plan plan_;
  ProgressLine line_;
  std::string fingerprint_;
  std::string label_, metric_;  ///< "sampled " or "", and the full name of what is chosen by
  std::optional<util::FileLock> lock_;
  std::vector<Run> runs_;
  std::vector<double> bytes_;       ///< by point; 0: none of its runs is still to be made
  std::vector<std::size_t> order_;  ///< points by their validation metric, best first
  std::optional<std::size_t> best_;
  std::map<std::string, std::vector<double>> test_;
};

void run_sweep(const SweepOptions& options) {
  remember_signals();
  Sweep(options).run();
}

}  // namespace

void add_sweep(CLI::App& app) {
  auto options = std::make_shared<SweepOptions>();
  CLI::App* sub =
      app.add_subcommand("sweep", "Train a grid of settings with several seeds; the best by validation");
  sub->add_option("file", options->file, "file of the sweep (TOML: data, seeds, [settings], [grid])")
      ->required();
  sub->add_option("-o,--output", options->output, "folder of the runs; the same again continues")->required();
  sub->add_option("--seeds", options->seeds, "seeds instead of the file's, such as 1,2,3")->delimiter(',');
  sub->add_option("--jobs", options->jobs, "runs at once; default: as the file says, or cores / threads")
      ->check(CLI::Range(1, 1024));
  sub->add_option(
      "--memory", options->memory,
      "of all runs together, such as \"8 GB\"; default: as the file says, or 80% of what is free");
  sub->add_flag("--dry-run", options->dry_run, "show what would be run, and its memory");
  sub->add_flag("--no-test", options->no_test, "do not evaluate the best configuration on the test items");
  sub->add_flag("--json", options->json, "print one JSON object at the end");
  sub->footer(
      "Runs that are there already are kept, interrupted ones continued. docs/sweep.md has an example file.");
  sub->callback([options] { run_sweep(*options); });
}

}  // namespace lrurec::command
