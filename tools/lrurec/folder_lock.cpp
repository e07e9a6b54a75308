#include "tools/lrurec/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tensor/error.h"

namespace lrurec::command {

FolderLock::FolderLock(const std::filesystem::path& folder)
    // Without O_CLOEXEC: processes that this one starts hold the folder too.
    : file_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY)) {
  if (file_ < 0) fail(ErrorKind::io, "cannot open the folder {}: {}", folder.string(), std::strerror(errno));
  // A file system that knows no locks is used without.
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(file_);
    fail(ErrorKind::usage,
         "{} is in use by another sweep, or by runs of one that are still saving; wait for them to end",
         folder.string());
  }
}

FolderLock::~FolderLock() { ::close(file_); }

}  // namespace lrurec::command
