// lrurec bench: how long it takes, beside what this machine could do at best.

#include "tools/lrurec/bench.h"

#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/commands.h"

namespace lrurec::command {

void add_bench(CLI::App& app) {
  CLI::App* bench = app.add_subcommand(
      "bench", "Time training, evaluation, sessions and kernels against this machine's own rates");
  bench->require_subcommand(1);
  bench->add_flag_callback("--rough", measure_roughly,
                           "measure this machine only roughly: to try a benchmark, not to quote its numbers");
  add_bench_train(*bench);
  add_bench_eval(*bench);
  add_bench_scan(*bench);
  add_bench_incremental(*bench);
  add_bench_recommend(*bench);
  add_bench_session(*bench);
  add_bench_ops(*bench);
}

}  // namespace lrurec::command
