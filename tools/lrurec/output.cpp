#include "tools/lrurec/output.h"

#include <fmt/format.h>
#include <limits.h>
#include <omp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>

#include "lrurec/report/frame.h"
#include "lrurec/util/json.h"
#include "nn/serialization/atomic_file.h"
#include "ops/matmul/blas_info.h"
#include "tensor/error.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {

namespace {

int output_error = 0;
std::string waiting;   ///< text for stdout
std::size_t sent = 0;  ///< bytes of it

/// Whether stdout takes more within a time. That is true also if writing would fail.
bool takes_more(std::chrono::milliseconds patience) {
  struct pollfd out {
    STDOUT_FILENO, POLLOUT, 0
  };
  return ::poll(&out, 1, static_cast<int>(patience.count())) > 0;
}

/// What can be written in one piece without waiting, once stdout takes more: whole lines where they fit, so
/// that whoever reads gets whole lines, whenever and however the process ends.
std::string_view next_piece(std::string_view text) {
  const std::string_view most = text.substr(0, PIPE_BUF);
  const std::size_t end = most.rfind('\n');
  return end == std::string_view::npos ? most : most.substr(0, end + 1);
}

/// Sends what waits. Not through stdio, which loses text when a signal comes or stdout does not block.
void send(const std::function<void()>& meanwhile) {
  constexpr std::chrono::milliseconds moment{250};
  constexpr int most_moments = 20;  // after a signal
  for (int moments = 0; sent < waiting.size() && output_error == 0;) {
    if (!takes_more(std::chrono::milliseconds(0))) {
      if (meanwhile) meanwhile();
      if (!takes_more(moment)) {
        if (interrupted_by() != 0 && ++moments == most_moments) output_error = ETIMEDOUT;
        continue;
      }
    }
    moments = 0;
    const std::string_view piece = next_piece(std::string_view(waiting).substr(sent));
    const ssize_t written = ::write(STDOUT_FILENO, piece.data(), piece.size());
    if (written >= 0) {
      sent += static_cast<std::size_t>(written);
    } else if (errno != EINTR && errno != EAGAIN) {
      output_error = errno;
    }
  }
  waiting.clear();
  sent = 0;
}

/// Characters, not bytes, of UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padding(std::size_t whole, const std::string& text) {
  return std::string(whole - width(text), ' ');
}

}  // namespace

void write_out(std::string_view text, const std::function<void()>& meanwhile) {
  static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  constexpr std::size_t most_waiting = std::size_t{64} << 10;
  waiting += text;
  if (waiting.size() > most_waiting || (terminal && text.ends_with('\n'))) send(meanwhile);
}

void write_err(std::string_view text) {
  // Not through stdio either, which would keep what could not be written and send it later.
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

int flush_output(const std::function<void()>& meanwhile) {
  send(meanwhile);
  return output_error;
}

void print_json(const nlohmann::json& value, int indent) { write_out(util::json_text(value, indent) + "\n"); }

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./:,=+").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

namespace {

/// Whether there is no file at the path, an empty one, or one that begins so.
bool may_replace(const std::filesystem::path& path, std::initializer_list<std::string_view> beginnings) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored) || std::filesystem::is_empty(path, ignored))
    return true;
  std::size_t longest = 0;
  for (const auto beginning : beginnings) longest = std::max(longest, beginning.size());
  std::string begins(longest, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(begins.data(), static_cast<std::streamsize>(begins.size()));
  const auto found = [&](std::string_view beginning) { return begins.starts_with(beginning); };
  return std::ranges::any_of(beginnings, found);
}

[[noreturn]] void fail_of_others(const std::filesystem::path& path, std::string_view what) {
  fail(ErrorKind::usage,
       "{} is there already and does not say that lrurec made it; move it away, or choose another {} with -o",
       path.string(), what);
}

}  // namespace

void refuse_to_replace(const std::filesystem::path& path, std::initializer_list<std::string_view> beginnings,
                       std::string_view what, std::string_view flag) {
  if (may_replace(path, beginnings)) return;
  fail(ErrorKind::usage, "{} is there already and is no {}; choose another name with {}", path.string(), what,
       flag);
}

void refuse_unless_page(const std::filesystem::path& path) {
  if (!may_replace(path, {report::page_beginning()})) fail_of_others(path, "name");
}

void refuse_unless_json_of(std::string_view command, const std::filesystem::path& path) {
  if (may_replace(path, {})) return;
  const auto bytes = nn::read_file(path);
  const auto json = util::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!json.is_object() || !json.contains("made_by") || json["made_by"] != command) {
    fail_of_others(path, "folder");
  }
}

std::string table(const std::vector<std::vector<std::string>>& asked) {
  std::vector<std::vector<std::string>> rows = asked;
  for (auto& row : rows) {
    for (auto& cell : row) cell = util::visible(cell);
  }
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string spaces = padding(widths[c], row[c]);
      line += c == 0 ? row[c] + spaces : "  " + spaces + row[c];
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

Verbosity verbosity = Verbosity::normal;

Timed::~Timed() {
  if (verbosity != Verbosity::verbose) return;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - since_;
  note("{}: {:.3f} s", what_, seconds.count());
}

void print_resources() {
  if (verbosity != Verbosity::verbose) return;
  struct rusage used {};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  note("lrurec " LRUREC_VERSION "; {}, {} threads; {}", processor(), omp_get_max_threads(),
       ops::blas_description());
  note("{:.2f} s of processors, {:.2f} s of the system, peak memory {:.0f} MB", seconds(used.ru_utime),
       seconds(used.ru_stime), peak_memory_bytes() / 1e6);
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::update(const std::string& asked) {
  const auto interval = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
  if (verbosity == Verbosity::quiet || Clock::now() - drawn_ < interval) return;
  drawn_ = Clock::now();
  const std::string text = util::visible(asked);
  if (!terminal_) {
    write_err(text + "\n");
    return;
  }
  clear();
  struct winsize window {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1;
  // A line that wraps could not be drawn over.
  write_err(known ? text.substr(0, window.ws_col - 1U) : text);
  on_screen_ = true;
}

void ProgressLine::print(const std::string& text) {
  if (verbosity == Verbosity::quiet) return;
  clear();
  note("{}", text);
}

void ProgressLine::finish() { clear(); }

void ProgressLine::clear() {
  if (on_screen_) write_err("\r\x1b[K");
  on_screen_ = false;
}

}  // namespace lrurec::command
