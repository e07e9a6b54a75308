#pragma once
// SIGINT, SIGTERM and SIGHUP save the run before they end it.

namespace lrurec::command {

/// From now on SIGINT, SIGTERM and SIGHUP (the terminal is gone) are remembered; a second one ends the
/// process at once. SIGHUP stays ignored under nohup.
void remember_signals();

/// 128 + the signal that was remembered, else 0: the exit code of a run that was saved and ended early.
int interrupted_by();

}  // namespace lrurec::command
