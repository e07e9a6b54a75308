#pragma once
// This command again, as a process of its own.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lrurec::command {

/// A process of lrurec with these arguments. It is in another process group, so that Ctrl-C reaches it only
/// once, through stop(). It ends with this process, however that ends.
class Child {
 public:
  /// Its standard output and error go to these files. Failure is ErrorKind::io.
  Child(const std::vector<std::string>& arguments, const std::filesystem::path& output,
        const std::filesystem::path& errors);
  Child(Child&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  Child& operator=(Child&&) = delete;
  /// If it is still at work, asks it to save and end, and waits for it.
  ~Child();

  /// Its exit code once it has ended, which is 128 + the signal if one ended it; nothing before.
  std::optional<int> ended() { return wait(/*now=*/true); }
  /// Asks it to save and end.
  void stop() const;

 private:
  std::optional<int> wait(bool now);
  pid_t id_;
};

}  // namespace lrurec::command
