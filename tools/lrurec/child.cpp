#include "tools/lrurec/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tensor/error.h"

namespace lrurec::command {
namespace {

int open_to_write(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(ErrorKind::io, "cannot write {}: {}", path.string(), std::strerror(errno));
  return file;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments, const std::filesystem::path& output,
             const std::filesystem::path& errors) {
  // All that allocates happens before the fork.
  std::vector<std::string> words{"lrurec"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int out = open_to_write(output), err = open_to_write(errors);
  ::signal(SIGCHLD,
           SIG_DFL);  // where it is ignored, as supervisors may leave it, nobody learns how a child ended
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(128 + SIGTERM);  // the parent ended before prctl()
    const int in = ::open("/dev/null", O_RDONLY);
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  const int reason = errno;
  ::close(out);
  ::close(err);
  if (id_ < 0) fail(ErrorKind::io, "cannot start another process: {}", std::strerror(reason));
}

Child::~Child() {
  // An error of this process must not have to wait for trainings to end by themselves.
  stop();
  if (id_ > 0) wait(/*now=*/false);
}

void Child::stop() const {
  if (id_ > 0) ::kill(id_, SIGTERM);
}

std::optional<int> Child::wait(bool now) {
  int status = 0;
  pid_t found = 0;
  do {
    found = ::waitpid(id_, &status, now ? WNOHANG : 0);
  } while (found < 0 && errno == EINTR);
  if (found == 0) return std::nullopt;
  id_ = 0;
  if (found < 0) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace lrurec::command
