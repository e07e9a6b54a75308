// lrurec bench ops: single operations, forward and forward with backward, at the sizes of an ML-1M batch.

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>

#include "nn/lru.h"
#include "ops/ops.h"
#include "tools/lrurec/bench.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct BenchOpsOptions {
  std::int64_t tokens = 15300, sequences = 128, hidden = 64, channels = 128, classes = 3417, runs = 9,
               threads = 0;
  bool json = false;
};

struct Row {
  std::string name;
  double flop;  ///< of the forward products, 0 where there are none
  std::function<Variable()> forward;
};

void run_bench_ops(const BenchOpsOptions& o) {
  if (o.threads > 0) omp_set_num_threads(static_cast<int>(o.threads));
  const MachineRates before = measure_machine();
  nn::Initializer init(1);
  const std::int64_t N = o.tokens, H = o.hidden, D = o.channels, C = o.classes, I = 4 * H;
  const auto leaf = [&](const Shape& shape) { return Variable(init.truncated_normal(shape), true); };
  const Variable x = leaf({N, H}), residual = leaf({N, H}), scale = leaf({H}), shift = leaf({H});
  const Variable W1 = leaf({I, H}), b1 = leaf({I}), W2 = leaf({H, I}), b2 = leaf({H});
  const Variable E = leaf({C, H}), b = leaf({C}), wide = leaf({N, I});
  std::vector<std::int64_t> ids, offsets{0};
  for (std::int64_t t = 0; t < N; ++t) ids.push_back(t * 7919 % C);
  for (std::int64_t s = 1; s <= o.sequences; ++s) offsets.push_back(N * s / o.sequences);
  const Tensor tokens = Tensor::from(ids), boundaries = Tensor::from(offsets);
  const nn::LRU lru(H, D, init);
  const ops::DropoutKey key{1, 2};

  const auto n = static_cast<double>(N), h = static_cast<double>(H), d = static_cast<double>(D),
             c = static_cast<double>(C);
  const std::vector<Row> all{
      {"embedding", 0, [&] { return ops::embedding(E, tokens); }},
      {"dropout", 0, [&] { return ops::dropout(wide, 0.2, key); }},
      {"gelu", 0, [&] { return ops::gelu(wide); }},
      {"layer_norm", 0, [&] { return ops::layer_norm(x, scale, shift); }},
      {"dropout, residual, layer_norm composed", 0,
       [&] { return ops::layer_norm(ops::dropout(x, 0.2, key) + residual, scale, shift); }},
      {"residual_layer_norm", 0,
       [&] { return ops::residual_layer_norm(x, residual, scale, shift, 1e-5, 0.2, key); }},
      {"linear", 2 * n * h * 4 * h, [&] { return ops::linear(x, W1, b1); }},
      {"feed forward composed", 16 * n * h * h,
       [&] { return ops::linear(ops::dropout(ops::gelu(ops::linear(x, W1, b1)), 0.2, key), W2, b2); }},
      {"feed_forward", 16 * n * h * h, [&] { return ops::feed_forward(x, W1, b1, W2, b2, 0.2, key); }},
      {"lru composed", 8 * n * h * d, [&] { return lru.forward_composed(x, boundaries).y; }},
      {"lru", 8 * n * h * d, [&] { return lru.forward(x, boundaries).y; }},
      {"head composed", 2 * n * h * c, [&] { return ops::cross_entropy(ops::linear(x, E, b), tokens); }},
      {"linear_cross_entropy", 2 * n * h * c, [&] { return ops::linear_cross_entropy(x, E, b, tokens); }},
  };
  nlohmann::json results = nlohmann::json::array();
  for (const Row& row : all) {
    const int runs = static_cast<int>(o.runs);
    const Times forward = time_runs(1, runs, [&] {
      const NoGrad no_grad;
      row.forward();
    });
    const Times both = time_runs(1, runs, [&] {
      const Variable y = row.forward();
      backward({y}, {Tensor::full(y.shape(), 1, y.dtype())});
      for (auto v : {x, residual, scale, shift, W1, b1, W2, b2, E, b, wide}) v.zero_grad();
    });
    nlohmann::json json{{"operation", row.name}, {"flop_forward", row.flop}};
    forward.add_to(json, "forward_seconds");
    both.add_to(json, "forward_backward_seconds");
    results.push_back(json);
  }
  const MachineRates rates = between(before, measure_machine());
  nlohmann::json json = describe_machine(rates);
  json["tokens"] = N;
  json["results"] = results;
  if (o.json) {
    print_json(json);
    return;
  }
  std::vector<std::vector<std::string>> rows{{"operation", "forward", "GF/s", "forward + backward", "GF/s"}};
  for (const auto& row : results) {
    const double flop = row["flop_forward"], forward = row["forward_seconds_median"],
                 both = row["forward_backward_seconds_median"];
    rows.push_back({row["operation"], seconds_text(forward),
                    flop > 0 ? fmt::format("{:.0f}", flop / forward * 1e-9) : "", seconds_text(both),
                    flop > 0 ? fmt::format("{:.0f}", 3 * flop / both * 1e-9) : ""});
  }
  const auto machine = rates_row(rates, {});
  print_out("{}{}: {}; {} tokens, {} threads\n", table(rows), machine[0], machine[1], with_commas(N),
            omp_get_max_threads());
}

}  // namespace

void add_bench_ops(CLI::App& bench) {
  auto options = std::make_shared<BenchOpsOptions>();
  CLI::App* sub = bench.add_subcommand("ops", "Single operations, fused ones beside their compositions");
  sub->add_option("--tokens", options->tokens, "tokens of the batch")->check(CLI::Range(1, 1 << 24));
  sub->add_option("--sequences", options->sequences, "sequences of the batch")->check(CLI::Range(1, 1 << 20));
  sub->add_option("--classes", options->classes, "items of the catalogue")->check(CLI::Range(1, 1 << 28));
  sub->add_option("--runs", options->runs, "timed runs")->check(CLI::Range(1, 100000));
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_bench_ops(*options); });
}

}  // namespace lrurec::command
