// Single-precision products at the sizes of a training step, beside a large one that shows the machine's
// best.

#include <benchmark/benchmark.h>

#include "ops/primitives/gemm.h"
#include "tensor/tensor.h"

namespace lrurec {
namespace {

/// C [m, n] = A [m, k] B [n, k]^T, as a linear layer reads its weight.
void gemm(benchmark::State& state) {
  const std::int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const Tensor a = Tensor::full({m, k}, 0.5, DType::f32), b = Tensor::full({n, k}, 0.25, DType::f32);
  const Tensor c = Tensor::zeros({m, n}, DType::f32);
  for (auto _ : state) {
    ops::kernels::gemm<float>(Cpu{}, Read::plain, Read::transpose, m, n, k, a.data<float>(), k,
                              b.data<float>(), k, 0.F, c.data<float>(), n);
    benchmark::ClobberMemory();
  }
  const auto flop = 2 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  state.counters["flop/s"] = benchmark::Counter(flop, benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(gemm)
    ->ArgNames({"m", "n", "k"})
    ->Args({2048, 2048, 2048})
    ->Args({15300, 256,
            64})  // into the recurrence (planes of 128 complex channels), into the position-wise network
    ->Args({15300, 64, 256})  // out of them
    ->Args({256, 3417, 64})   // a chunk of ML-1M's scores
    ->Args({64, 57290, 64})   // a chunk of Beauty's
    ->Args({64, 64, 15300})   // a weight's gradient
    ->UseRealTime();

}  // namespace
}  // namespace lrurec
