#pragma once
// This command again, as a process of its own.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lrurec::command {

/// lrurec with these arguments. It is not of this process's group, so that Ctrl-C reaches it only through
/// stop(), once; it ends with this process, however that ends.
class Child {
 public:
  /// Its standard output and error go to these files. Failure is ErrorKind::io.
  Child(const std::vector<std::string>& arguments, const std::filesystem::path& output,
        const std::filesystem::path& errors);
  Child(Child&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  Child& operator=(Child&&) = delete;
  /// Asks it to save and end where it is still at work, and waits for it.
  ~Child();

  /// Its exit code once it has ended; 128 + the signal that ended it.
  std::optional<int> ended() { return wait(/*now=*/true); }
  /// Asks it to save and end.
  void stop() const;

 private:
  std::optional<int> wait(bool now);
  pid_t id_;
};

}  // namespace lrurec::command
