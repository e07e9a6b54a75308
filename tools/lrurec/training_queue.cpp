#include "tools/lrurec/training_queue.h"

#include <fmt/format.h>

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <list>
#include <thread>

#include "lrurec/sweep/schedule.h"
#include "lrurec/util/json.h"
#include "lrurec/util/retry.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"
#include "tools/lrurec/child.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using sweep::Run;
using sweep::RunState;

fs::path beside(const Run& run, const char* suffix) { return run.folder.string() + suffix; }

std::string last_line(const fs::path& file) {
  std::string text = read_text(file);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

ErrorKind kind_of(int exit_code) {
  return static_cast<ErrorKind>(exit_code >= 1 ? exit_code : 1);  // exit_code() passes any number on
}

/// What a documented exit code means, for a process that could not say more.
const char* meaning_of(int exit_code) {
  constexpr const char* meanings[] = {"",
                                      "an internal error",
                                      "wrong usage",
                                      "wrong data",
                                      "a dataset or checkpoint file cannot be used",
                                      "input or output failed (a full disk?)",
                                      "numbers that are not finite",
                                      "out of memory",
                                      "a check failed"};
  if (exit_code > 0 && exit_code < std::ssize(meanings)) return meanings[exit_code];
  return exit_code == 127 ? "it could not be started" : "it said nothing";
}

/// What a process said last, or which signal ended it.
std::string complaint_of(int exit_code, const fs::path& log) {
  std::string said = last_line(log);
  if (!said.empty()) return said;
  if (exit_code <= 128) return meaning_of(exit_code);
  return fmt::format("signal {} ended it{}", exit_code - 128,
                     exit_code == 128 + SIGKILL ? " (out of memory?)" : "");
}

/// Once written, the note stays: a run that later goes on alone was trained alone only in part.
void note_side_by_side(const Run& run, bool others_at_work) {
  const fs::path note = sweep::side_by_side_note(run);
  if (others_at_work) {
    util::retrying([&] { write_text(note, "other trainings were at work in the meantime\n"); });
  } else if (run.state.kind == RunState::Kind::missing) {
    fs::remove(note);
  }
}

Child start(const Run& run, bool others_at_work) {
  fs::create_directories(run.folder.parent_path());
  util::retrying([&] { write_text(beside(run, ".toml"), config::to_toml(run.config)); });
  note_side_by_side(run, others_at_work);
  std::vector<std::string> arguments{
      "train",   run.data.string(), "-o", run.folder.string(), "--config", beside(run, ".toml").string(),
      "--quiet", "--json"};
  if (run.state.kind == RunState::Kind::begun) arguments.emplace_back("--resume");
  return {arguments, beside(run, ".json"), beside(run, ".log")};
}

double share(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string pattern = (fs::temp_directory_path() / "lrurec-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    fail(ErrorKind::io, "cannot make a folder in {}: {}", fs::temp_directory_path().string(),
         std::strerror(errno));
  }
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string read_text(const fs::path& file) {
  const auto bytes = nn::read_file(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_text(const fs::path& file, const std::string& text) {
  nn::write_file_atomically(file, {nn::as_bytes(text)});
}

int wait_for(Child& child) {
  bool stopped = false;
  while (true) {
    if (const auto code = child.ended()) return *code;
    if (interrupted_by() != 0 && !std::exchange(stopped, true)) child.stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void TrainingQueue::say_how_to_continue(ProgressLine& line, const std::string& command) {
  line.print("interrupted; what was at work has saved. Continue with: " + command);
}

void TrainingQueue::say_that_nothing_is_kept(ProgressLine& line) {
  line.print("interrupted; a dry run keeps nothing");
}

void TrainingQueue::look() {
  for (Run& run : runs_) {
    try {
      run.state = sweep::look_at(run);
    } catch (const Error& e) {  // one that is damaged stops no other
      if (e.kind() != ErrorKind::file) throw;
      if (run.exit_code == 0) line_.print(fmt::format("{}: {}", run.label, e.what()));
      run.exit_code = e.exit_code();
      run.complaint = e.what();
    }
  }
}

const Run* TrainingQueue::first_of(std::size_t point) const {
  const auto it = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) {
    return run.point == point && !run.finished() && run.exit_code == 0;
  });
  return it == runs_.end() ? nullptr : &*it;
}

const std::vector<TrainingQueue::Needs>& TrainingQueue::measure() {
  std::size_t points = 0;
  for (const Run& run : runs_) points = std::max(points, run.point + 1);
  needs_.assign(points, {});
  const ScratchFolder scratch;
  for (std::size_t p = 0; p < points && interrupted_by() == 0; ++p) {
    const Run* run = first_of(p);
    if (run == nullptr) continue;
    line_.update("measuring memory: " + run->label);
    const fs::path settings = scratch.path() / "settings.toml", out = scratch.path() / "out",
                   err = scratch.path() / "err";
    write_text(settings, config::to_toml(run->config));
    Child child({"train", run->data.string(), "--dry-run", "--json", "--config", settings.string()}, out,
                err);
    if (const int code = wait_for(child); code != 0) {
      if (interrupted_by() != 0) return needs_;
      give_up(p, code, "while its memory was measured: " + complaint_of(code, err));
      continue;
    }
    const auto json = util::parse_json(read_text(out));
    needs_[p] = {
        sweep::run_memory(json["peak_memory_bytes"].get<double>(), json["real_parameters"].get<double>(),
                          {run->config.average > 0, run->config.eval_negatives > 0}),
        json["step_seconds"].get<double>(), json["max_steps"].get<double>()};
    if (needs_[p].bytes > limits_.memory) {
      fail(ErrorKind::out_of_memory,
           "{} alone needs about {:.0f} MB, and {} may use {:.0f} MB; allow more with --memory, or set a "
           "smaller batch_size",
           run->label, needs_[p].bytes / 1e6, limits_.who, limits_.memory / 1e6);
    }
  }
  line_.finish();
  return needs_;
}

void TrainingQueue::give_up(std::size_t point, int code, const std::string& complaint) {
  line_.print(fmt::format("{}: failed with exit code {}: {}", first_of(point)->label, code, complaint));
  for (Run& run : runs_) {
    if (run.point != point || run.finished() || run.exit_code != 0) continue;
    run.exit_code = code;
    run.complaint = complaint;
  }
}

std::vector<const Run*> TrainingQueue::waiting() const {
  std::vector<const Run*> found;
  for (const Run& run : runs_) {
    if (!run.finished() && run.exit_code == 0) found.push_back(&run);
  }
  return found;
}

void TrainingQueue::train(const std::function<void()>& ended) {
  std::vector<Run*> waiting;
  std::vector<double> bytes;
  std::size_t there = 0;
  for (Run& run : runs_) {
    if (run.finished()) {
      ++there;
    } else if (run.exit_code == 0) {  // not given up already
      waiting.push_back(&run);
      bytes.push_back(needs_[run.point].bytes);
    }
  }
  if (there > 0) {
    line_.print(fmt::format("{} of {} {} there already", there, counted(std::ssize(runs_), "run"),
                            there == 1 ? "is" : "are"));
  }
  const bool several_at_work = sweep::most_at_once(bytes, limits_.jobs, limits_.memory) > 1;
  sweep::Schedule schedule(bytes, limits_.jobs, limits_.memory);
  struct Working {
    std::size_t place;
    Clock::time_point since;
    Child child;
  };
  std::list<Working> working;
  std::size_t done = 0;
  bool stopping = false;
  std::string standings;
  Clock::time_point looked{};
  while (done < waiting.size()) {
    if (interrupted_by() != 0 && !std::exchange(stopping, true)) {
      for (const Working& w : working) w.child.stop();
    }
    if (stopping && working.empty()) return;
    if (!stopping) {
      while (const auto place = schedule.start()) {
        working.push_back({*place, Clock::now(), start(*waiting[*place], several_at_work)});
      }
    }
    for (auto w = working.begin(); w != working.end();) {
      const auto code = w->child.ended();
      if (!code) {
        ++w;
        continue;
      }
      Run& run = *waiting[w->place];
      if (!stopping) run.exit_code = *code;  // one that was interrupted has not failed
      schedule.finish(w->place);
      ++done;
      if (stopping) {
        run.state = sweep::look_at(run);
      } else {
        finished(run, std::chrono::duration<double>(Clock::now() - w->since).count());
      }
      w = working.erase(w);
      ended();
    }
    if (Clock::now() - looked > std::chrono::seconds(1)) {  // logs are read, so not at every turn
      looked = Clock::now();
      standings.clear();
      for (const Working& w : working) standings += "; " + standing_of(*waiting[w.place]);
    }
    line_.update(fmt::format("{} {} of {}, {} at work{}", bar(share(done, waiting.size()), 20), done,
                             counted(std::ssize(waiting), "run"), schedule.at_work(), standings));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  line_.finish();
}

std::string TrainingQueue::standing_of(const Run& run) const {
  const std::string metric = (run.config.eval_negatives > 0 ? "sampled " : "") + limits_.metric;
  std::optional<std::int64_t> step;
  std::string validation;
  try {
    for (const auto& line : train::RunFolder::open(run.folder).log_lines()) {
      step = line["step"].get<std::int64_t>();
      if (line.contains(metric) && line[metric].is_number()) {
        validation = fmt::format(" {} {:.4f}", metric, line[metric].get<double>());
      }
    }
  } catch (const Error&) {  // the run only begins, and this is no more than a display
  }
  return run.label + (step ? fmt::format(" step {}", *step) : "") + validation;
}

void TrainingQueue::finished(Run& run, double seconds) {
  try {
    run.state = sweep::look_at(run);
  } catch (const Error& e) {  // it stops no other
    run.state = {};
    if (run.exit_code == 0) run.exit_code = e.exit_code();
    run.complaint = e.what();
    line_.print(fmt::format("{}: {}", run.label, e.what()));
    return;
  }
  if (run.exit_code == 0 && run.finished()) {
    const std::string metric = (run.config.eval_negatives > 0 ? "sampled " : "") + limits_.metric;
    line_.print(fmt::format("{}: validation {} {:.4f} at step {} ({})", run.label, metric,
                            run.state.validation[metric], run.state.best_step, duration(seconds)));
    return;
  }
  run.complaint = run.exit_code != 0 ? complaint_of(run.exit_code, beside(run, ".log"))
                                     : "it ended before it reached max_steps, max_epochs or patience";
  if (run.exit_code == 0) run.exit_code = static_cast<int>(ErrorKind::usage);
  line_.print(fmt::format("{}: failed with exit code {}: {}", run.label, run.exit_code, run.complaint));
}

std::map<fs::path, nlohmann::json> TrainingQueue::test(const std::vector<Run*>& runs) {
  std::map<fs::path, nlohmann::json> found;
  for (Run* run : runs) {
    line_.update("test: " + run->label);
    const fs::path out = beside(*run, ".test.json"), err = beside(*run, ".test.log");
    Child child({"evaluate", run->folder.string(), "--data", run->data.string(), "--threads",
                 std::to_string(run->config.threads), "--device", run->config.device, "--json"},
                out, err);
    const int code = wait_for(child);
    if (interrupted_by() != 0) return found;
    if (code == 0) {
      found.emplace(run->folder, util::parse_json(read_text(out)));
      continue;
    }
    run->exit_code = code;
    run->complaint = complaint_of(code, err);
    line_.print(fmt::format("{}: its test failed with exit code {}: {}", run->label, code, run->complaint));
  }
  line_.finish();
  return found;
}

void TrainingQueue::throw_failures(Failures which) const {
  const auto failed = [which](const Run& run) {
    return run.exit_code != 0 || (which == Failures::all && !run.finished());
  };
  const auto first = std::find_if(runs_.begin(), runs_.end(), failed);
  if (first == runs_.end()) return;
  throw Error(kind_of(first->exit_code), fmt::format("{} of {} failed; the first, {}, with exit code {}: {}",
                                                     std::count_if(runs_.begin(), runs_.end(), failed),
                                                     counted(std::ssize(runs_), "run"), first->label,
                                                     first->exit_code, first->complaint));
}

}  // namespace lrurec::command
