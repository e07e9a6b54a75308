#pragma once
// The one exception type of the project. Its kind decides the exit code of the command.

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace lrurec {

/// Why an error happened. The value is the exit code of the `lrurec` command.
enum class ErrorKind : int {
  internal = 1,       ///< a mistake in the program, or a misuse of the library (shapes, dtypes)
  usage = 2,          ///< command line or configuration
  data = 3,           ///< raw data: a malformed line, an empty data set, an unknown item
  file = 4,           ///< checkpoint, dataset or weights file: damaged, wrong kind, not matching
  io = 5,             ///< reading or writing failed: missing file, full disk, no permission
  non_finite = 6,     ///< a NaN or infinity in a loss, gradient or parameter
  out_of_memory = 7,  ///< memory exhausted; the message names the sizes
  check_failed = 8,   ///< `lrurec check ...` found a difference
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }
  int exit_code() const noexcept { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

/// Throws Error(kind) with a formatted message: one clear sentence with the place and the remedy.
template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws for misuse of an operation: "[matmul] a: [3, 4] and b: [5, 6]: inner sizes 4 and 5 differ".
template <class... Args>
[[noreturn]] void fail_op(std::string_view op, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorKind::internal,
              fmt::format("[{}] {}", op, fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace lrurec
