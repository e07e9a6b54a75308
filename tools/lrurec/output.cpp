#include "tools/lrurec/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace lrurec::command {

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      line += c == 0 ? fmt::format("{:<{}}", row[c], widths[c]) : fmt::format("  {:>{}}", row[c], widths[c]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string duration(double seconds) {
  const auto total = static_cast<std::int64_t>(std::llround(std::max(seconds, 0.0)));
  if (total >= 3600) return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

std::string bar(double fraction, int width) {
  const int full = std::clamp(static_cast<int>(fraction * width), 0, width);
  std::string inside(static_cast<std::size_t>(full), '=');
  if (full < width) inside += '>';
  inside.resize(static_cast<std::size_t>(width), ' ');
  return "[" + inside + "]";
}

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::update(const std::string& text) {
  const auto interval = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
  if (quiet_ || Clock::now() - drawn_ < interval) return;
  drawn_ = Clock::now();
  if (!terminal_) {
    fmt::print(stderr, "{}\n", text);
    return;
  }
  clear();
  fmt::print(stderr, "{}", text);
  std::fflush(stderr);
  on_screen_ = true;
}

void ProgressLine::print(const std::string& text) {
  if (quiet_) return;
  clear();
  fmt::print(stderr, "{}\n", text);
}

void ProgressLine::finish() { clear(); }

void ProgressLine::clear() {
  if (on_screen_) fmt::print(stderr, "\r\x1b[K");
  on_screen_ = false;
}

}  // namespace lrurec::command
