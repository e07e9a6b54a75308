#pragma once
// Temporary folders, files and runs of the command.

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace lrurec::test {

/// A new folder that disappears with its contents.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lrurec-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// Names in the folder, sorted.
  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline std::vector<char> read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string read_text(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

inline void write_bytes(const std::filesystem::path& path, const std::vector<char>& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::filesystem::path write_text(const std::filesystem::path& path, const std::string& text) {
  write_bytes(path, {text.begin(), text.end()});
  return path;
}

/// The exit code in a status of wait() or system(); 128 and the signal where one ended the process, as shells
/// have it.
inline int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// What a command printed, and its exit code.
struct CommandResult {
  int code = -1;
  std::string out, err;
};

/// Runs a shell command line in a folder.
inline CommandResult run_shell(const TemporaryFolder& folder, const std::string& command) {
  const std::string line =
      "cd " + folder.path().string() + " && { " + command + " ; } >.stdout 2>.stderr </dev/null";
  const int status = std::system(line.c_str());
  CommandResult result{exit_code(status), read_text(folder / ".stdout"), read_text(folder / ".stderr")};
  std::filesystem::remove(folder / ".stdout");
  std::filesystem::remove(folder / ".stderr");
  return result;
}

/// The same where nobody reads its standard output any more: a pipe whose only reader is gone.
inline CommandResult run_without_a_reader(const TemporaryFolder& folder, const std::string& command) {
  return run_shell(folder, "rm -f gone; mkfifo gone; exec 3<>gone 4>gone 3<&-; " + command + " >&4");
}

/// For run_shell: waits until a condition holds, such as "[ -s out ]", or ends with exit code 9 where a
/// process of the background, the last that was started unless one is named, has ended without it.
inline std::string wait_until(const std::string& condition, const std::string& process = "$!") {
  return "until " + condition + "; do kill -0 " + process + " || exit 9; sleep .02; done; ";
}

/// The command under test, and the project's folder: where they were built, or where the tests were carried
/// to.
inline std::string command_path() {
  const char* moved = std::getenv("LRUREC_BINARY");
  return moved != nullptr ? moved : LRUREC_BINARY;
}
inline std::filesystem::path source_folder() {
  const char* moved = std::getenv("LRUREC_SOURCE_DIR");
  return moved != nullptr ? moved : LRUREC_SOURCE_DIR;
}

/// Runs the lrurec command with these arguments in a folder.
inline CommandResult run_lrurec(const TemporaryFolder& folder, const std::string& arguments) {
  return run_shell(folder, command_path() + " " + arguments);
}

}  // namespace lrurec::test
