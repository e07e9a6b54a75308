#include "tools/lrurec/request_lines.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tensor/error.h"

namespace lrurec::command {
namespace {

constexpr std::size_t longest_line = std::size_t{1} << 20, block = std::size_t{64} << 10;

}  // namespace

RequestLines::RequestLines(const std::string& path)
    : path_(path == "-" ? "standard input" : path),
      file_(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  char none = 0;
  if (file_ < 0 || (path != "-" && ::read(file_, &none, 0) < 0)) {  // a folder opens and cannot be read
    fail(ErrorKind::io, "cannot read {}: {}", path, std::strerror(errno));
  }
}

RequestLines::~RequestLines() {
  if (file_ != STDIN_FILENO) ::close(file_);
}

RequestLines::Got RequestLines::next(std::string& line, std::chrono::milliseconds patience) {
  std::size_t searched = begin_;
  while (true) {
    const std::size_t end = pending_.find('\n', searched);
    if (end != std::string::npos || (ended_ && (begin_ < pending_.size() || skipping_))) {
      const Got got = take(line, std::min(end, pending_.size()));
      if (got != Got::nothing) return got;
      searched = begin_;
      continue;
    }
    if (ended_) return Got::end;
    if (pending_.size() - begin_ > longest_line) {
      skipping_ = true;
      begin_ = pending_.size();
    }
    struct pollfd wait {
      file_, POLLIN, 0
    };
    const int ready = ::poll(&wait, 1, static_cast<int>(patience.count()));
    if (ready == 0 || (ready < 0 && errno == EINTR)) return Got::nothing;
    pending_.erase(0, begin_);
    begin_ = 0;
    searched = pending_.size();
    pending_.resize(searched + block);
    const ssize_t got = ::read(file_, pending_.data() + searched, block);
    const int error = errno;
    pending_.resize(searched + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && (error == EINTR || error == EAGAIN)) return Got::nothing;
    if (got < 0) error_ = error;
    if (got <= 0) ended_ = true;
  }
}

void RequestLines::check() const {
  if (error_ != 0) fail(ErrorKind::io, "cannot read {}: {}", path_, std::strerror(error_));
}

RequestLines::Got RequestLines::take(std::string& line, std::size_t end) {
  line.assign(pending_, begin_, end - begin_);
  begin_ = std::min(end + 1, pending_.size());
  if (++line_number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (std::exchange(skipping_, false) || line.size() > longest_line) return Got::too_long;
  if (line.ends_with('\r')) line.pop_back();
  return line.find_first_not_of(" \t") == std::string::npos ? Got::nothing : Got::line;
}

}  // namespace lrurec::command
