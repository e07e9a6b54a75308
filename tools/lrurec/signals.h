#pragma once
// SIGINT, SIGTERM and SIGHUP save the run before they end it.

namespace lrurec::command {

/// From now on SIGINT, SIGTERM and SIGHUP (the terminal is gone) are remembered. A second Ctrl-C, or a
/// further signal two seconds after the first, ends the process at once. A signal that comes sooner counts as
/// the same one, which shells send to their jobs again and supervisors to groups. SIGHUP stays ignored under
/// nohup.
void remember_signals();

/// 128 + the signal that was remembered, else 0: the exit code of a run that was saved and ended early.
int interrupted_by();

/// The work is complete and saved: from now on interrupted_by() is 0.
void nothing_is_left_to_interrupt();

}  // namespace lrurec::command
