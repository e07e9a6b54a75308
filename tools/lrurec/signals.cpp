#include "tools/lrurec/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <initializer_list>

namespace lrurec::command {
namespace {

std::atomic<int> received = 0;
std::atomic<std::int64_t> received_at = 0;  ///< milliseconds of the steady clock
std::atomic<bool> in_time = true;
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "a signal handler must not wait for a lock");

/// A person's second Ctrl-C comes later than a program that sends a signal both to a process and to its
/// group.
constexpr std::int64_t least_between_keys = 200;
/// Shells, supervisors and the kernel send a signal twice by themselves, within a moment.
constexpr std::int64_t least_between_signals = 2000;

std::int64_t milliseconds_now() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

void on_signal(int signal) {
  const std::int64_t now = milliseconds_now();
  std::int64_t first = 0;
  if (received_at.compare_exchange_strong(first, now)) {
    received = signal;
    return;
  }
  const bool keys = signal == SIGINT && received == SIGINT;
  if (now - first >= (keys ? least_between_keys : least_between_signals)) ::_exit(128 + signal);
}

}  // namespace

void remember_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (signal == SIGHUP && before.sa_handler == SIG_IGN) continue;  // nohup
    ::sigaction(signal, &action, nullptr);
  }
}

int interrupted_by() { return received == 0 || !in_time ? 0 : 128 + received; }

void nothing_is_left_to_interrupt() { in_time = false; }

}  // namespace lrurec::command
