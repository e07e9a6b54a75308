#pragma once
// One process at a time in a folder, or with a file.

#include <filesystem>
#include <string>

namespace lrurec::util {

/// Held until this process has ended, also by a kill: the next one finds no one still writing. Only those who
/// take the lock too are kept out; readers never are.
class FileLock {
 public:
  enum class Holders { this_process, and_its_children };

  /// Locks a folder, or a file that is made where it is missing. (A file that is replaced by a rename needs a
  /// lock file beside it: a lock holds what was opened, not the name.) Where another holds it,
  /// ErrorKind::usage with the text `busy`; ErrorKind::io where it cannot be opened. A file system that knows
  /// no locks is used without.
  FileLock(const std::filesystem::path& path, const std::string& busy,
           Holders holders = Holders::this_process);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

}  // namespace lrurec::util
