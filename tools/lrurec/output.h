#pragma once
// Tables on stdout, progress on stderr. What goes to either may hold names from files: all that could command
// a terminal is made visible.

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lrurec/util/numbers.h"
#include "lrurec/util/text.h"

namespace lrurec::command {

/// Adds a text to stdout, line by line on a terminal, else in larger pieces. It waits for a slow reader and
/// meanwhile calls `meanwhile` a few times a second. After a signal (see interrupted_by) it waits only for a
/// reader that goes on reading every few seconds. After a failure, which flush_output returns, nothing more
/// is written.
void write_out(std::string_view text, const std::function<void()>& meanwhile = {});
/// Adds a text to stderr. If stderr is closed or full, messages are lost and the command goes on.
void write_err(std::string_view text);
/// Sends on what was added to stdout. Returns errno of the first write that failed, or 0.
int flush_output(const std::function<void()>& meanwhile = {});

/// Formatted text on stdout, line ends kept.
template <class... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_out(util::visible(fmt::format(format, std::forward<Args>(args)...), util::LineEnds::keep));
}
/// A value and a line end on stdout: in one line, or indented.
void print_json(const nlohmann::json& value, int indent = 2);

/// The text as one word of a shell's command line, in quotes if it needs them.
std::string shell_word(const std::string& text);

/// To be called before a file is written. If the file at its path begins with none of these texts, and so is
/// no `what`, that is ErrorKind::usage. `flag`: the flag that names the file.
void refuse_to_replace(const std::filesystem::path& path, std::initializer_list<std::string_view> beginnings,
                       std::string_view what, std::string_view flag);
/// The same for a page: a file at its path that does not begin as lrurec's pages do is ErrorKind::usage.
void refuse_unless_page(const std::filesystem::path& path);
/// The same for JSON: the file there must hold one object whose "made_by" is this command.
void refuse_unless_json_of(std::string_view command, const std::filesystem::path& path);

/// A line on stderr, also with --quiet: "lrurec: " and the text.
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write_err("lrurec: " +
            util::visible(fmt::format(format, std::forward<Args>(args)...), util::LineEnds::keep) + "\n");
}

/// Columns aligned by width: the first to the left, the others to the right. The first row is the header.
std::string table(const std::vector<std::vector<std::string>>& rows);

using util::counted;
using util::with_commas;

/// 75 -> "1:15", 3700 -> "1:01:40"
std::string duration(double seconds);

/// How much every command says on stderr beside warnings and errors: --quiet nothing, --verbose also what it
/// used and how long things took.
enum class Verbosity { quiet, normal, verbose };
extern Verbosity verbosity;

/// A line on stderr, unless --quiet.
template <class... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  if (verbosity == Verbosity::quiet) return;
  write_err(util::visible(fmt::format(format, std::forward<Args>(args)...), util::LineEnds::keep) + "\n");
}

/// With --verbose, what a part of a command took, on stderr when that part ends.
class Timed {
 public:
  explicit Timed(std::string what) : what_(std::move(what)) {}
  ~Timed();
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  std::string what_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

/// work(), timed.
template <class Work>
decltype(auto) timed(std::string what, Work&& work) {
  const Timed time(std::move(what));
  return work();
}

/// With --verbose, at the end: versions, processor, threads, time and memory.
void print_resources();

/// One line on stderr that is drawn anew on a terminal, and a plain line every ten seconds elsewhere.
class ProgressLine {
 public:
  ProgressLine();
  /// `text` without line ends; drawn at most ten times a second (terminal), cut to the terminal's width.
  void update(const std::string& text);
  /// A line that stays.
  void print(const std::string& text);
  /// Ends the drawn line.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void clear();
  bool terminal_;
  Clock::time_point drawn_{};
  bool on_screen_ = false;
};

/// "[=====>    ]" of this many characters inside.
std::string bar(double fraction, int width);

}  // namespace lrurec::command
