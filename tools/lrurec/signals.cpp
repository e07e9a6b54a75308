#include "tools/lrurec/signals.h"

#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace lrurec::command {
namespace {

volatile sig_atomic_t received = 0;

void on_signal(int signal) {
  if (received != 0) ::_exit(128 + signal);
  received = signal;
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

int interrupted_by() { return received == 0 ? 0 : 128 + received; }

}  // namespace lrurec::command
