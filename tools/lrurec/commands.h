#pragma once
// The subcommands. Each file adds its own to the application; its work runs as a callback and may throw
// Error.

#include <CLI/CLI.hpp>
#include <string>

namespace lrurec::command {

void add_prepare(CLI::App& app);
void add_train(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_check(CLI::App& app);

/// Exit code of a run that a signal ended after saving (128 + signal), else 0; main returns it.
int interrupted_by();
/// From now on SIGINT and SIGTERM are remembered; a second one ends the process at once.
void remember_signals();

/// The whole command line, set by main: runs record it.
const std::string& command_line();

}  // namespace lrurec::command
