#pragma once
// The subcommands. Each file adds its own to the application; its work runs as a callback and may throw
// Error.

#include <CLI/CLI.hpp>
#include <string>

namespace lrurec::command {

void add_prepare(CLI::App& app);
void add_data(CLI::App& app);
void add_train(CLI::App& app);
void add_sweep(CLI::App& app);
void add_reproduce(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_compare(CLI::App& app);
void add_report(CLI::App& app);
void add_inspect(CLI::App& app);
void add_explore(CLI::App& app);
void add_explain(CLI::App& app);
void add_recommend(CLI::App& app);
void add_session(CLI::App& app);
void add_config(CLI::App& app);
void add_export(CLI::App& app);
void add_import(CLI::App& app);
void add_check(CLI::App& app);
void add_bench(CLI::App& app);
/// Examples in the help of commands that have been added.
void add_examples(CLI::App& app);
/// completion and man, which describe all the others.
void add_shell_support(CLI::App& app);

/// The whole command line, set by main: runs record it.
const std::string& command_line();

}  // namespace lrurec::command
