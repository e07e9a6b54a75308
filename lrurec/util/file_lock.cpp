#include "lrurec/util/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tensor/error.h"

namespace lrurec::util {

FileLock::FileLock(const std::filesystem::path& path, const std::string& busy, Holders holders) {
  const int inherited = holders == Holders::and_its_children ? 0 : O_CLOEXEC;
  const bool folder = std::filesystem::is_directory(path);
  file_ = ::open(path.c_str(), inherited | (folder ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT | O_NONBLOCK),
                 0666);
  if (file_ < 0) fail(ErrorKind::io, "cannot open {}: {}", path.string(), std::strerror(errno));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(file_);
    fail(ErrorKind::usage, "{}", busy);
  }
}

FileLock::~FileLock() { ::close(file_); }

}  // namespace lrurec::util
