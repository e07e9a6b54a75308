#pragma once
// Many trainings: each a process of this command, as many at once as cores and memory allow.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lrurec/sweep/results.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {

class TrainingQueue {
 public:
  struct Limits {
    std::int64_t jobs = 1;  ///< at once
    double memory = 0;      ///< bytes, of all together
    std::string who;        ///< for messages: "the sweep"
    std::string metric;     ///< of validation, for messages
  };
  /// What one run of a point takes; bytes 0: not measured, since none of its runs is still to be made.
  struct Needs {
    double bytes = 0;
    double step_seconds = 0, max_steps = 0;
    /// Of one of its runs: until the last step that its limits allow, without validation.
    double seconds_left(const sweep::Run& run) const {
      return std::max(max_steps - static_cast<double>(run.state.step), 0.0) * step_seconds;
    }
  };

  /// `runs` and `line` outlive this.
  TrainingQueue(std::vector<sweep::Run>& runs, Limits limits, ProgressLine& line)
      : runs_(runs), limits_(std::move(limits)), line_(line) {}

  /// Looks where every run stands.
  void look();
  /// Needs by point. They are measured by a few steps of each point, since no formula knows its allocations;
  /// what these steps do not do is added. A point that fails at them is given up with all its seeds. One that
  /// is too large even alone is ErrorKind::out_of_memory.
  const std::vector<Needs>& measure();
  /// Trains what is missing and continues what was begun; calls `ended` after each run. If interrupted_by()
  /// is not 0, returns early, once all runs at work have saved.
  void train(const std::function<void()>& ended);
  /// What `lrurec evaluate --json` says of finished runs, by their folders. A run whose test fails has no
  /// entry and gets the complaint. After an interrupt the remaining runs have no entry.
  std::map<std::filesystem::path, nlohmann::json> test(const std::vector<sweep::Run*>& runs);

  /// Runs that `measure` found missing and able.
  std::vector<const sweep::Run*> waiting() const;
  enum class Failures { all, so_far };  ///< so far: a run that has not been made has not failed
  /// Throws the first failed run's error, if one failed.
  void throw_failures(Failures which = Failures::all) const;

  /// After an interrupt: how the command goes on, or that a dry run kept nothing.
  static void say_how_to_continue(ProgressLine& line, const std::string& command);
  static void say_that_nothing_is_kept(ProgressLine& line);

 private:
  /// "dropout=0.2 seed=1 step 400 Recall@10 0.0812", as far as the log of a run at work tells.
  std::string standing_of(const sweep::Run& run) const;
  void give_up(std::size_t point, int code, const std::string& complaint);
  void finished(sweep::Run& run, double seconds);
  const sweep::Run* first_of(std::size_t point) const;

  std::vector<sweep::Run>& runs_;
  Limits limits_;
  ProgressLine& line_;
  std::vector<Needs> needs_;
};

/// A folder that disappears with all that is in it.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Child;
/// Waits for a child, passing an interrupt on; its exit code.
int wait_for(Child& child);

/// Writes a text over a file, whole or not at all.
void write_text(const std::filesystem::path& file, const std::string& text);
std::string read_text(const std::filesystem::path& file);

}  // namespace lrurec::command
