#pragma once
// Requests that come line by line, from a file or a stream that may wait for more.

#include <chrono>
#include <string>

namespace lrurec::command {

/// Reads lines in bounded memory.
class RequestLines {
 public:
  /// path: a file, or - for standard input. Missing or unreadable is ErrorKind::io.
  explicit RequestLines(const std::string& path);
  ~RequestLines();
  RequestLines(const RequestLines&) = delete;
  RequestLines& operator=(const RequestLines&) = delete;

  /// What next() found: a line; one of more than 1 MiB, which is passed over; nothing yet; the end.
  enum class Got { line, too_long, nothing, end };
  /// The next line without its end (\n or \r\n), waiting at most this long, less where a signal comes. Empty
  /// lines and a byte-order mark before the first are left out. A stream that cannot be read on has ended,
  /// see check().
  Got next(std::string& line, std::chrono::milliseconds patience);
  /// Of the line that next() gave last, from 1.
  std::int64_t line_number() const { return line_number_; }
  /// At the end: ErrorKind::io if the stream ended because it could not be read on.
  void check() const;

 private:
  Got take(std::string& line, std::size_t end);

  std::string path_;
  int file_, error_ = 0;  ///< error_: errno of a read that failed
  std::string pending_;
  std::size_t begin_ = 0;
  bool skipping_ = false, ended_ = false;
  std::int64_t line_number_ = 0;
};

}  // namespace lrurec::command
