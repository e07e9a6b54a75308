#pragma once
// The parts of lrurec bench.

#include <CLI/CLI.hpp>

namespace lrurec::command {

void add_bench_train(CLI::App& bench);
void add_bench_eval(CLI::App& bench);
void add_bench_scan(CLI::App& bench);
void add_bench_incremental(CLI::App& bench);
void add_bench_recommend(CLI::App& bench);
void add_bench_session(CLI::App& bench);
void add_bench_ops(CLI::App& bench);

}  // namespace lrurec::command
