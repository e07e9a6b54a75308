// lrurec bench scan: the recurrence by its three algorithms, beside the speed of a copy.

#include <fmt/format.h>
#include <omp.h>

#include "ops/linear_scan/linear_scan.h"
#include "ops/ops.h"
#include "tools/lrurec/bench.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct BenchScanOptions {
  std::vector<std::int64_t> lengths{64, 256, 1024, 4096, 16384};
  std::int64_t channels = 128, tokens = 16384, runs = 11, threads = 0;
  std::string device = "cpu";
  bool json = false;
};

void run_bench_scan(const BenchScanOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const NoGrad no_grad;
  const Device device = require_device(Device::parse(options.device));
  // A launch returns at once, so on a GPU a time is the mean of several.
  const int together = device.is_cuda() ? 20 : 1;
  const MachineRates before = measure_machine(device);
  const std::int64_t D = options.channels;
  nlohmann::json results = nlohmann::json::array();
  for (const std::int64_t length : options.lengths) {
    const std::int64_t sequences = std::max<std::int64_t>(options.tokens / length, 1),
                       tokens = sequences * length;
    std::vector<std::int64_t> offsets;
    for (std::int64_t s = 0; s <= sequences; ++s) offsets.push_back(s * length);
    const IndexTensor boundaries = IndexTensor(Tensor::from(offsets)).to(device);  // checked without a wait
    const Tensor x = Tensor::full({tokens, D}, 0.5, DType::c64, device),
                 lambda = Tensor::full({D}, 0.9, DType::c64, device);
    const double bytes = 2.0 * static_cast<double>(tokens * D) * sizeof(c64);  // x read, h written
    for (const auto algorithm :
         {ops::ScanAlgorithm::sequential, ops::ScanAlgorithm::chunked, ops::ScanAlgorithm::recursive}) {
      Times times = time_runs(2, static_cast<int>(options.runs), [&] {
        for (int i = 0; i < together; ++i) ops::raw::linear_scan(lambda, x, boundaries, {}, algorithm);
        finish(device);
      });
      for (double& seconds : times.seconds) seconds /= together;
      nlohmann::json row{{"length", length},
                         {"sequences", sequences},
                         {"algorithm", name(algorithm)},
                         {"gbps", bytes / times.median() * 1e-9}};
      times.add_to(row, "seconds");
      results.push_back(row);
    }
  }
  const MachineRates rates = between(before, measure_machine(device));
  nlohmann::json json = describe_machine(rates, device);
  json["channels"] = D;
  json["results"] = results;
  if (options.json) {
    print_json(json);
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"algorithm", "length", "sequences", "median", "GB/s", "of a copy"}};
  for (const auto& row : results) {
    const double gbps = row["gbps"];
    rows.push_back({row["algorithm"], with_commas(row["length"]), with_commas(row["sequences"]),
                    seconds_text(row["seconds_median"]), fmt::format("{:.1f}", gbps),
                    fmt::format("{:.0f}%", 100 * gbps / rates.copy_gbps)});
  }
  const std::string where =
      device.is_cuda() ? device.str() : fmt::format("{} threads", omp_get_max_threads());
  print_out("{}copy of this machine: {:.1f} GB/s; {} complex channels, {}\n", table(rows), rates.copy_gbps, D,
            where);
}

}  // namespace

void add_bench_scan(CLI::App& bench) {
  auto options = std::make_shared<BenchScanOptions>();
  CLI::App* sub = bench.add_subcommand("scan", "The linear recurrence by each algorithm");
  sub->add_option("--lengths", options->lengths, "sequence lengths, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 24));
  sub->add_option("--channels", options->channels, "complex channels")->check(CLI::Range(1, 65536));
  sub->add_option("--tokens", options->tokens, "tokens of all sequences together, at least one sequence")
      ->check(CLI::Range(1, 1 << 24));
  sub->add_option("--runs", options->runs, "timed runs")->check(CLI::Range(1, 100000));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_bench_scan(*options); });
}

}  // namespace lrurec::command
