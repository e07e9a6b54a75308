// lrurec reproduce: a table or figure of the paper, trained here and set beside what the paper prints.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "lrurec/data/dataset.h"
#include "lrurec/report/report.h"
#include "lrurec/reproduce/outcome.h"
#include "lrurec/sweep/schedule.h"
#include "lrurec/util/file_lock.h"
#include "lrurec/util/json.h"
#include "lrurec/util/suggest.h"
#include "tensor/error.h"
#include "tools/lrurec/child.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/signals.h"
#include "tools/lrurec/training_queue.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

namespace fs = std::filesystem;
using sweep::Run;

struct ReproduceOptions {
  std::string what, memory;
  std::vector<std::string> data;
  reproduce::Request request;
  std::int64_t jobs = 0;
  double share = 0.01;
  bool dry_run = false, json = false;
};

/// "ml-1m=FILE"
std::pair<const reproduce::PaperData*, std::string> parse_data(const std::string& text) {
  const auto equals = text.find('=');
  std::vector<std::string> names;
  for (const auto& data : reproduce::paper().data) names.push_back(data.name);
  const std::string name = text.substr(0, equals);
  const auto* known = reproduce::paper().find_data(name);
  if (equals == std::string::npos || equals + 1 == text.size()) {
    fail(ErrorKind::usage, "--data: '{}' must be NAME=FILE, such as ml-1m=ml-1m.lrd", text);
  }
  if (known == nullptr) {
    fail(ErrorKind::usage, "--data: the paper has no data set '{}'{}; it has {}", name,
         util::suggestion(name, names), fmt::join(names, ", "));
  }
  return {known, text.substr(equals + 1)};
}

constexpr const char* reproducer = "lrurec reproduce";

class Reproduction {
 public:
  explicit Reproduction(const ReproduceOptions& options)
      : options_(options), artifact_(reproduce::find_artifact(options.what)) {
    sweep::check_seeds(options.request.seeds, "--seeds");
    // A mistake in --only is told before data are generated.
    reproduce::chosen_variants(artifact_, options.request.only);
    // One GPU, or a figure that shows seconds, is for one training at a time.
    const bool on_gpu = Device::parse(options.request.device).is_cuda();
    const bool alone = on_gpu || artifact_.kind == reproduce::Kind::efficiency;
    const std::int64_t cores = std::thread::hardware_concurrency();
    limits_ = {.jobs = options.jobs,
               .memory = on_gpu ? std::numeric_limits<double>::max() : 0.8 * sweep::available_memory(),
               .who = "all runs together",
               .metric = "Recall@10"};
    if (!options.memory.empty()) limits_.memory = sweep::parse_memory(options.memory, "--memory");
    if (limits_.jobs == 0) {
      limits_.jobs = alone ? 1 : std::max<std::int64_t>(1, cores / options.request.threads);
    }
    plan_ = make_plan(artifact_, open_all(), options.request);
    queue_.emplace(plan_.runs, limits_, line_);
  }

  void run() {
    if (!options_.dry_run) take_folder();
    queue_->look();
    needs_ = queue_->measure();
    if (interrupted_by() != 0 && options_.dry_run) return TrainingQueue::say_that_nothing_is_kept(line_);
    if (interrupted_by() != 0) return say_how_to_continue();
    print_plan();
    if (options_.dry_run) return queue_->throw_failures(TrainingQueue::Failures::so_far);
    queue_->train([] {});
    if (interrupted_by() != 0) return say_how_to_continue();
    switch (artifact_.kind) {
      case reproduce::Kind::efficiency:
        measure_incremental();
        break;
      case reproduce::Kind::eigenvalues:
        read_eigenvalues();
        break;
      default:
        test();
    }
    if (interrupted_by() != 0) return say_how_to_continue();
    report();
  }

 private:
  std::vector<reproduce::DataFile> open_all() {
    std::vector<reproduce::DataFile> files;
    for (const auto& text : options_.data) {
      const auto [paper, path] = parse_data(text);
      if (std::ranges::count(artifact_.data, paper->name) == 0) {
        note("note: {} has no {}: left out", artifact_.name, paper->name);
        continue;
      }
      if (std::ranges::any_of(files, [&, paper = paper](const auto& file) { return file.paper == paper; })) {
        fail(ErrorKind::usage, "--data: {} is named twice", paper->name);
      }
      files.push_back(reproduce::open_data(*paper, path));
      if (files.back().is_the_papers()) continue;
      warn("warning: {} has {} and {}, but the paper's {} has {} and {}: its numbers are of other data", path,
           counted(files.back().statistics.users, "user"), counted(files.back().statistics.items, "item"),
           paper->title, with_commas(static_cast<std::int64_t>(paper->users)),
           with_commas(static_cast<std::int64_t>(paper->items)));
    }
    if (files.empty() && artifact_.generated) files.push_back(generated());
    if (files.empty() && !options_.data.empty()) {
      fail(ErrorKind::usage, "--data: none of the named data sets is in {}, which shows {}", artifact_.name,
           fmt::join(artifact_.data, ", "));
    }
    if (files.empty()) {
      fail(ErrorKind::usage,
           "--data is required: {} shows {}; name the data sets that you have, such as {}=FILE.lrd",
           artifact_.name, fmt::join(artifact_.data, ", "), artifact_.data.front());
    }
    return files;
  }

  reproduce::DataFile generated() {
    const auto& paper = *reproduce::paper().find_data(artifact_.data.front());
    const std::string name = fmt::format("{}-generated-{}.lrd", paper.name, options_.share);
    fs::path path = options_.request.output / "data" / name;
    if (!fs::exists(path)) {
      if (options_.dry_run) {
        path = scratch_.emplace().path() / name;
      } else {
        take_folder();
        fs::create_directories(path.parent_path());
      }
      note("{} cannot be had: {:.3g} of it are generated, in its shape", paper.title, options_.share);
      reproduce::make_xlong(options_.share).save(path);
    }
    auto file = reproduce::open_data(paper, path);
    file.generated = true;
    return file;
  }

  /// Locks the output folder, before anything is written into it.
  void take_folder() {
    if (lock_) return;
    refuse_unless_json_of(reproducer, file(".json"));
    refuse_unless_page(file(".html"));
    fs::create_directories(options_.request.output);
    lock_.emplace(options_.request.output,
                  fmt::format("{} is in use by another reproduce, or by runs of one that are still saving; "
                              "wait for them to end",
                              options_.request.output.string()),
                  util::FileLock::Holders::and_its_children);
  }

  void say_how_to_continue() {
    TrainingQueue::say_how_to_continue(line_, command_again());
    if (options_.json) print_json(outcome());
  }

  /// This command again.
  std::string command_again() const {
    const auto& request = options_.request;
    const ReproduceOptions unless_named;
    std::string text = fmt::format("lrurec reproduce {}", options_.what);
    if (!options_.data.empty()) text += " --data";
    for (const auto& data : options_.data) text += " " + shell_word(data);
    text += " -o " + shell_word(request.output.string());
    if (!request.only.empty()) text += fmt::format(" --only {}", fmt::join(request.only, ","));
    if (request.seeds != unless_named.request.seeds) {
      text += fmt::format(" --seeds {}", fmt::join(request.seeds, ","));
    }
    if (request.max_steps > 0) text += fmt::format(" --max-steps {}", request.max_steps);
    if (options_.jobs > 0) text += fmt::format(" --jobs {}", options_.jobs);
    if (request.threads != unless_named.request.threads)
      text += fmt::format(" --threads {}", request.threads);
    if (request.device != unless_named.request.device) text += " --device " + request.device;
    if (!options_.memory.empty()) text += " --memory " + shell_word(options_.memory);
    if (options_.share != unless_named.share) text += fmt::format(" --share {}", options_.share);
    if (options_.json) text += " --json";
    return text;
  }

  nlohmann::json outcome() const {
    nlohmann::json all = reproduce::outcome(plan_, findings_);
    all["made_by"] = reproducer;
    return all;
  }

  fs::path file(const char* extension) const {
    return options_.request.output / (artifact_.name + extension);
  }

  /// What there is to do, and what it will take.
  void print_plan() const {
    if (plan_.runs.empty()) {
      if (options_.dry_run && options_.json) print_json({{"runs", nlohmann::json::array()}});
      if (options_.dry_run && !options_.json) print_out("{} needs no training\n", artifact_.name);
      return;
    }
    std::vector<std::vector<std::string>> rows{
        {"training", "stands at step", "memory", "time without validation"}};
    std::vector<double> bytes;
    double seconds = 0, longest = 0;
    nlohmann::json plan{{"runs", nlohmann::json::array()}};
    for (const Run& run : plan_.runs) {
      const auto& needs = needs_[run.point];
      const bool missing = !run.finished() && run.exit_code == 0;
      const bool begun = run.state.kind != sweep::RunState::Kind::missing;
      rows.push_back({run.label, begun ? with_commas(run.state.step) : "",
                      missing ? fmt::format("{:.0f} MB", needs.bytes / 1e6) : "",
                      missing          ? duration(needs.seconds_left(run))
                      : run.finished() ? "there"
                                       : "fails"});
      nlohmann::json one{{"run", run.label}, {"folder", run.folder.string()}, {"finished", run.finished()}};
      if (begun) one["step"] = run.state.step;
      if (run.exit_code != 0) {
        one["exit_code"] = run.exit_code;
        one["error"] = run.complaint;
      }
      if (missing) {
        bytes.push_back(needs.bytes);
        seconds += needs.seconds_left(run);
        longest = std::max(longest, needs.seconds_left(run));
        one["memory_bytes"] = needs.bytes;
        one["seconds_without_validation"] = needs.seconds_left(run);
      }
      plan["runs"].push_back(std::move(one));
    }
    const auto at_once = std::max<std::int64_t>(1, sweep::most_at_once(bytes, limits_.jobs, limits_.memory));
    seconds = std::max(longest, seconds / static_cast<double>(at_once));
    plan["at_once"] = at_once;
    plan["seconds_without_validation"] = seconds;
    const std::string limit =
        limits_.memory < 1e15 ? fmt::format(" within {:.0f} MB", limits_.memory / 1e6) : "";
    const std::string text = fmt::format(
        "{}{} of {} to be made, {} at once{}: about {} without validation, less where they stop early\n",
        table(rows), bytes.size(), counted(std::ssize(plan_.runs), "training"), at_once, limit,
        duration(seconds));
    if (!options_.dry_run) {
      note("{}", text);
    } else if (options_.json) {
      print_json(plan);
    } else {
      print_out("{}", text);
    }
  }

  /// Tests what is finished, unless it was tested already.
  void test() {
    std::vector<Run*> untested;
    for (Run& run : plan_.runs) {
      if (!run.finished()) continue;
      if (auto kept = reproduce::kept_test(artifact_, run)) {
        findings_.tests[run.folder] = *std::move(kept);
      } else {
        untested.push_back(&run);
      }
    }
    for (auto& [folder, test] : queue_->test(untested)) findings_.tests[folder] = std::move(test);
  }

  void read_eigenvalues() {
    for (Run& run : plan_.runs) {
      if (!run.finished()) continue;
      try {
        findings_.mean_abs[run.folder] = reproduce::mean_abs_of_blocks(run);
      } catch (const Error& e) {  // it stops no other
        line_.print(fmt::format("{}: {}", run.label, e.what()));
        run.exit_code = e.exit_code();
        run.complaint = e.what();
      }
    }
  }

  /// Figure 1, right. Once the trainings are over, for nothing else may run beside it.
  void measure_incremental() {
    for (const auto& cell : plan_.cells) {
      const std::string threads = std::to_string(options_.request.threads);
      const std::string& device = options_.request.device;
      const fs::path base = options_.request.output / artifact_.name /
                            fmt::format("incremental-{}-{}-threads-{}-{}", cell.variant->name, device,
                                        threads, plan_.data[cell.data].fingerprint.substr(0, 8));
      const fs::path out = base.string() + ".json", err = base.string() + ".log";
      fs::create_directories(base.parent_path());
      nlohmann::json events = fs::exists(out) ? util::parse_json(read_text(out)) : nlohmann::json();
      if (!reproduce::is_incremental(events)) {
        line_.update("2,048 events: " + cell.variant->title);
        const fs::path fresh = base.string() + ".new";
        Child child({"bench", "incremental", plan_.data[cell.data].path.string(), "--model",
                     cell.variant->model, "--threads", threads, "--device", device, "--json"},
                    fresh, err);
        if (const int code = wait_for(child); code != 0) {
          if (interrupted_by() != 0) return;
          fail(ErrorKind::internal, "timing the events of {} failed: {}", cell.variant->title,
               read_text(err));
        }
        fs::rename(fresh, out);
        events = util::parse_json(read_text(out));
      }
      findings_.incremental[cell.variant->name] = std::move(events);
    }
    line_.finish();
  }

  void report() {
    const nlohmann::json all = outcome();
    write_text(file(".json"), util::json_text(all, 2) + "\n");
    write_text(file(".html"), report::reproduction_page(all));
    if (options_.json) {
      print_json(all);
    } else {
      print_tables(all);
      print_out("page: {}\n", file(".html").string());
    }
    queue_->throw_failures();
  }

  static std::string number(const nlohmann::json& row, const char* key) {
    if (!row.contains(key)) return "";
    const double value = row[key].get<double>();
    if (value >= 1 && value == std::round(value)) return with_commas(std::llround(value));
    if (value >= 1) return fmt::format("{:.1f}", value);
    return value < 0.001 ? fmt::format("{:.2g}", value) : fmt::format("{:.5f}", value);
  }

  static std::int64_t papers_candidates(const std::string& data) {
    return config::preset(data, config::TrainConfig{}.model).eval_negatives;
  }

  void print_tables(const nlohmann::json& outcome) const {
    print_out("{}\n", artifact_.title);
    for (const auto& data : outcome["data"]) {
      print_out("\n{}: {}{}{}\n", data["title"].get<std::string>(), data["source"].get<std::string>(),
                data["generated"].get<bool>() ? ", generated" : "",
                data["the_papers"].get<bool>() ? "" : ", not the paper's data");
      const bool statistics = artifact_.kind == reproduce::Kind::statistics;
      const char* interval_title =
          options_.request.seeds.size() > 1 ? "95% of users, mean of seeds" : "95% of users";
      std::vector<std::vector<std::string>> rows{
          {"", "", "here", statistics ? "" : interval_title, "paper", "difference"}};
      std::string last;
      for (const auto& row : outcome["rows"]) {
        if (row["data"] != data["name"]) continue;
        const std::string title = row.value("title", "");
        std::string value = number(row, "value"), interval, difference;
        if (row.contains("deviation")) value += " +- " + number(row, "deviation");
        if (row.contains("wanted")) {
          value += fmt::format(" ({} of {} seeds)", row["values"].size(), row["wanted"].get<std::int64_t>());
        }
        if (row.contains("interval")) {
          interval = fmt::format("{:.4f} .. {:.4f}", row["interval"][0].get<double>(),
                                 row["interval"][1].get<double>());
        }
        if (row.contains("difference_percent")) {
          difference = fmt::format("{:+.1f}%", row["difference_percent"].get<double>());
        }
        const std::string metric = row["metric"];
        rows.push_back({title == last ? "" : title, row.contains("sampled") ? "sampled " + metric : metric,
                        value, interval, number(row, "paper"), difference});
        last = title;
      }
      print_out("{}", table(rows));
      if (data.contains("protocol") && data["protocol"]["candidates"] != "all") {
        print_out("sampled: a target is ranked among {} items, in the paper among {}\n",
                  data["protocol"]["candidates"].get<std::string>(),
                  with_commas(papers_candidates(data["name"])));
      }
    }
    if (!artifact_.note.empty()) print_out("\n{}\n", artifact_.note);
    for (const auto& run : outcome["runs"]) {
      if (!run.contains("trained")) continue;
      print_out("\n{}, seed {}, was trained {}; its seconds are those of that training.\n",
                artifact_.find(run["variant"])->title, run["seed"].get<std::int64_t>(),
                run["trained"].get<std::string>());
    }
    if (options_.request.max_steps > 0) {
      print_out("\nNo training went further than {} (--max-steps).\n",
                counted(options_.request.max_steps, "step"));
    }
  }

  const ReproduceOptions& options_;
  const reproduce::Artifact& artifact_;
  ProgressLine line_;
  std::optional<util::FileLock> lock_;
  std::optional<ScratchFolder> scratch_;  ///< of data that a dry run generates
  reproduce::Plan plan_;
  TrainingQueue::Limits limits_;
  std::optional<TrainingQueue> queue_;
  std::vector<TrainingQueue::Needs> needs_;
  reproduce::Findings findings_;
};

}  // namespace

void add_reproduce(CLI::App& app) {
  auto options = std::make_shared<ReproduceOptions>();
  CLI::App* sub =
      app.add_subcommand("reproduce", "A table or figure of the paper beside the numbers measured here");
  sub->add_option("what", options->what, fmt::format("{}", fmt::join(reproduce::artifact_names(), ", ")))
      ->required();
  sub->add_option("--data", options->data,
                  "your data sets, by the paper's names: ml-1m=FILE.lrd beauty=FILE.lrd");
  sub->add_option("-o,--output", options->request.output, "folder of runs and pages, one for all of them")
      ->required();
  sub->add_option("--only", options->request.only, "only these rows, such as lrurec,sasrec")->delimiter(',');
  sub->add_option("--seeds", options->request.seeds,
                  "random seeds of each training, such as 1,2,3; default 1")
      ->delimiter(',')
      ->check(not_empty("a number"));
  sub->add_option("--max-steps", options->request.max_steps,
                  "stop every training after so many steps, 0 = when validation no longer improves")
      ->check(CLI::Range(0, 1000000000));
  sub->add_option("--jobs", options->jobs,
                  "trainings at once; default: cores / threads, one on a GPU and for figure1")
      ->check(CLI::Range(1, 1024));
  sub->add_option("--threads", options->request.threads, "CPU threads of each training; default 1")
      ->check(CLI::Range(1, 1024));
  sub->add_option("--device", options->request.device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--memory", options->memory,
                  "memory for all runs together, such as \"8 GB\"; default: 80% of what is free");
  sub->add_option("--share", options->share,
                  "size of the generated data for table4, as a share of XLong's users and items; default "
                  "0.01")
      ->check(number_between(0.0005, 1));
  sub->add_flag("--dry-run", options->dry_run, "show what would be trained, and its time and memory");
  sub->add_flag("--json", options->json, "print one JSON object at the end");
  sub->footer(
      "Runs that are there already are kept, interrupted ones continued; tables in one folder share their "
      "runs. docs/reproduce.md has examples.");
  sub->callback([options] {
    remember_signals();
    Reproduction(*options).run();
  });
}

}  // namespace lrurec::command
