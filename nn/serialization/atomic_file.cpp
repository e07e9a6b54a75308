#include "nn/serialization/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "tensor/error.h"

namespace lrurec::nn {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_io(const fs::path& path, const char* what, int error) {
  const char* remedy = error == ENOSPC || error == EFBIG || error == EDQUOT   ? "; free some space and repeat"
                       : error == ENOENT && std::string_view(what) == "write" ? "; make its folder first"
                                                                              : "";
  fail(ErrorKind::io, "cannot {} {}: {}{}", what, path.string(), std::strerror(error), remedy);
}

/// A file descriptor that its destructor closes.
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

/// Gives a new file the permissions of the old one; where there is none, it keeps 0666 less the umask.
void take_permissions(int from_nothing, const fs::path& old) {
  struct stat info {};
  if (::stat(old.c_str(), &info) == 0) (void)::fchmod(from_nothing, info.st_mode & 07777);
}

}  // namespace

fs::path followed(fs::path path) {
  std::error_code error;
  for (int links = 0; links < 40 && fs::is_symlink(path, error); ++links) {
    const fs::path folder = fs::weakly_canonical(folder_of(path), error),
                   target = fs::read_symlink(path, error);
    const std::string in = folder.string();
    if (in.starts_with("/proc/") || in == "/dev/fd") {
      return "/dev/null";  // no plain file either
    }
    path = folder / target;
  }
  return path;
}

void write_file_atomically(const fs::path& asked, std::initializer_list<Bytes> parts) {
  // The rename would put a plain file in the place of a device, or of a link instead of what it leads to.
  std::error_code error;
  const fs::path path = followed(asked);
  const auto status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail(ErrorKind::io, "cannot write {}: it is not a plain file", asked.string());
  }
  // A limit on file sizes must give an error (EFBIG), not end the process.
  ::signal(SIGXFSZ, SIG_IGN);
  remove_stale_temporaries(folder_of(path), path.filename().string());
  static std::atomic<unsigned> written = 0;  // threads may write to one path
  const fs::path temporary = folder_of(path) / fmt::format(".{}{}{}-{}", path.filename().string(),
                                                           temporary_mark, ::getpid(), ++written);
  ::unlink(temporary.c_str());  // of a process that died and had this one's number
  try {
    Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    if (!file.ok()) fail_io(path, "write", errno);
    take_permissions(file.get(), path);
    for (const Bytes part : parts) write_all(file.get(), part, path);
    if (::fsync(file.get()) != 0) fail_io(path, "flush", errno);
    if (file.close() != 0) fail_io(path, "close", errno);
    replace_file(temporary, path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void replace_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_io(to, "replace", errno);
  sync_folder(folder_of(to));
}

void append_to_file(const fs::path& path, std::string_view text) {
  ::signal(SIGXFSZ, SIG_IGN);
  Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0666);
  if (!file.ok()) fail_io(path, "write", errno);
  struct stat before {};
  if (::fstat(file.get(), &before) != 0) fail_io(path, "write", errno);
  if (!S_ISREG(before.st_mode)) fail(ErrorKind::io, "cannot write {}: it is not a plain file", path.string());
  try {
    write_all(file.get(), as_bytes(text), path);
    if (::fsync(file.get()) != 0) fail_io(path, "flush", errno);
    if (file.close() != 0) fail_io(path, "close", errno);
  } catch (...) {
    (void)!::truncate(path.c_str(), before.st_size);
    throw;
  }
}

void remove_stale_temporaries(const fs::path& folder, std::string_view file_name) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto mark = name.rfind(temporary_mark);
    if (!name.starts_with('.') || mark == std::string::npos) continue;
    if (!file_name.empty() && std::string_view(name).substr(1, mark - 1) != file_name) continue;
    pid_t pid = 0;
    const char* first = name.data() + mark + temporary_mark.size();
    const char* last = name.data() + name.size();
    const auto [end, error] = std::from_chars(first, last, pid);
    if (error != std::errc{} || (end != last && *end != '-') || pid <= 0) continue;
    if (pid != ::getpid() && ::kill(pid, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

std::vector<std::byte> read_file(const fs::path& path, std::uintmax_t most) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);  // or opening a pipe would wait for a writer
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
