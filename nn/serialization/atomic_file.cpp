#include "nn/serialization/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "tensor/error.h"

namespace lrurec::nn {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_io(const fs::path& path, const char* what, int error) {
  const char* remedy =
      error == ENOSPC || error == EFBIG || error == EDQUOT ? "; free some space and repeat" : "";
  fail(ErrorKind::io, "cannot {} {}: {}{}", what, path.string(), std::strerror(error), remedy);
}

/// A file descriptor that is closed on the way out.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  /// close() can report a write error that only then came to light.
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

void write_all(int fd, Bytes bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_io(path, "write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void sync_folder(const fs::path& folder) {
  const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY);
  // Some file systems cannot sync a folder (EINVAL); there the rename is as safe as it gets.
  if (!descriptor.ok()) fail_io(folder, "open the folder", errno);
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL) fail_io(folder, "flush the folder", errno);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

constexpr std::string_view temporary_mark = ".tmp.";

}  // namespace

void write_file_atomically(const fs::path& asked, std::initializer_list<Bytes> parts) {
  // The rename would put a plain file in the place of a device, or of a link instead of what it leads to.
  std::error_code error;
  const fs::path path = fs::is_symlink(asked, error) ? fs::weakly_canonical(asked, error) : asked;
  const auto status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail(ErrorKind::io, "cannot write {}: it is not a plain file", asked.string());
  }
  // A limit on file sizes must give an error (EFBIG), not end the process.
  ::signal(SIGXFSZ, SIG_IGN);
  const fs::path temporary =
      folder_of(path) / fmt::format(".{}{}{}", path.filename().string(), temporary_mark, ::getpid());
  try {
    Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (!file.ok()) fail_io(path, "write", errno);
    for (const Bytes part : parts) write_all(file.get(), part, path);
    if (::fsync(file.get()) != 0) fail_io(path, "flush", errno);
    if (file.close() != 0) fail_io(path, "close", errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_io(path, "replace", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(folder_of(path));
}

void remove_stale_temporaries(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto mark = name.rfind(temporary_mark);
    if (!name.starts_with('.') || mark == std::string::npos) continue;
    pid_t pid = 0;
    const char* first = name.data() + mark + temporary_mark.size();
    const char* last = name.data() + name.size();
    const auto [end, error] = std::from_chars(first, last, pid);
    if (error != std::errc{} || end != last || pid <= 0) continue;
    if (pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH)) fs::remove(entry.path(), ignored);
  }
}

std::vector<std::byte> read_file(const fs::path& path, std::uintmax_t most) {
  const Descriptor file(path, O_RDONLY);
  if (!file.ok()) fail_io(path, "read", errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail_io(path, "read", errno);
  if (!S_ISREG(info.st_mode)) fail(ErrorKind::io, "cannot read {}: it is not a file", path.string());
  const auto size = static_cast<std::uintmax_t>(info.st_size);
  if (size > most)
    fail(ErrorKind::file, "{} has {} bytes, more than the {} expected", path.string(), size, most);
  std::vector<std::byte> bytes(size);
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io(path, "read", errno);
    if (got == 0) fail(ErrorKind::io, "{} became shorter while it was read", path.string());
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace lrurec::nn
