// The recurrence by each algorithm, forward in time and reversed, from many short sequences to one long one;
// with one lambda, and with a lambda of each token.

#include <benchmark/benchmark.h>

#include "ops/linear_scan/kernels.h"
#include "tensor/tensor.h"

namespace lrurec {
namespace {

constexpr std::int64_t tokens = 16384, channels = 128;

using ops::kernels::Scan, ops::kernels::Time;
using Kernel = void (*)(Cpu, const Scan<c64>&);

template <Kernel kernel, Time time, bool gated = false>
void scan(benchmark::State& state) {
  const std::int64_t length = state.range(0), sequences = tokens / length;
  std::vector<std::int64_t> offsets;
  for (std::int64_t s = 0; s <= sequences; ++s) offsets.push_back(s * length);
  const Tensor x = Tensor::full({tokens, channels}, 0.5, DType::c64);
  const Tensor lambda = Tensor::full(gated ? Shape{tokens, channels} : Shape{channels}, 0.9, DType::c64);
  const Tensor h = Tensor::zeros({tokens, channels}, DType::c64);
  for (auto _ : state) {
    kernel(Cpu{}, {sequences, channels, offsets.data(), offsets.data(), time, lambda.data<c64>(),
                   x.data<c64>(), h.data<c64>()});
    benchmark::ClobberMemory();
  }
  // x and lambda of each token read, h written, whatever an algorithm does in between.
  state.SetBytesProcessed(state.iterations() * (gated ? 3 : 2) * tokens * channels *
                          static_cast<std::int64_t>(sizeof(c64)));
}

#define SCAN(algorithm)                                                           \
  BENCHMARK(scan<ops::kernels::scan_##algorithm<c64>, Time::forward>)             \
      ->Name("scan_" #algorithm)                                                  \
      ->ArgName("length")                                                         \
      ->Arg(64)                                                                   \
      ->Arg(1024)                                                                 \
      ->Arg(16384)                                                                \
      ->UseRealTime();                                                            \
  BENCHMARK(scan<ops::kernels::scan_##algorithm<c64>, Time::reversed>)            \
      ->Name("scan_" #algorithm "_reversed")                                      \
      ->ArgName("length")                                                         \
      ->Arg(1024)                                                                 \
      ->UseRealTime();                                                            \
  BENCHMARK(scan<ops::kernels::gated_scan_##algorithm<c64>, Time::forward, true>) \
      ->Name("gated_scan_" #algorithm)                                            \
      ->ArgName("length")                                                         \
      ->Arg(64)                                                                   \
      ->Arg(1024)                                                                 \
      ->Arg(16384)                                                                \
      ->UseRealTime();
SCAN(sequential)
SCAN(chunked)
SCAN(recursive)

}  // namespace
}  // namespace lrurec
