#pragma once
// One command at a time in a folder.

#include <filesystem>

namespace lrurec::command {

/// Holds a folder until this process and all it started have ended, also by a kill: the next process finds
/// no one still writing.
class FolderLock {
 public:
  /// ErrorKind::usage where another holds it, ErrorKind::io where it cannot be opened.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

}  // namespace lrurec::command
