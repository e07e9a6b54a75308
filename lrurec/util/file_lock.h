#pragma once
// One process at a time in a folder, or with a file.

#include <filesystem>
#include <string>

namespace lrurec::util {

/// Held until this object or this process ends, also by a kill, so that the next process finds no one still
/// writing. With Holders::and_its_children, child processes keep it too. Only those who take the lock too are
/// kept out; readers never are.
class FileLock {
 public:
  enum class Holders { this_process, and_its_children };

  /// Locks a folder, or a file, which is made if it is missing. If another process holds the lock,
  /// ErrorKind::usage with the text `busy`; if the path cannot be opened, ErrorKind::io. On a file system
  /// without locks there is none. A file that is replaced by a rename needs a lock file beside it: a lock
  /// holds what was opened, not the name.
  FileLock(const std::filesystem::path& path, const std::string& busy,
           Holders holders = Holders::this_process);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

}  // namespace lrurec::util
