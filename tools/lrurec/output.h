#pragma once
// Tables on stdout, progress on stderr.

#include <chrono>
#include <string>
#include <vector>

#include "lrurec/util/numbers.h"

namespace lrurec::command {

/// Columns aligned by width: the first to the left, the others to the right. The first row is the header.
std::string table(const std::vector<std::vector<std::string>>& rows);

using util::with_commas;

/// 75 -> "1:15", 3700 -> "1:01:40"
std::string duration(double seconds);

/// One line on stderr that is drawn anew on a terminal, and a plain line every ten seconds elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  /// `text` without line ends; drawn at most ten times a second (terminal).
  void update(const std::string& text);
  /// A line that stays.
  void print(const std::string& text);
  /// Ends the drawn line.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void clear();
  bool quiet_, terminal_;
  Clock::time_point drawn_{};
  bool on_screen_ = false;
};

/// "[=====>    ]" of this many characters inside.
std::string bar(double fraction, int width);

}  // namespace lrurec::command
