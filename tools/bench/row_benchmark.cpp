// Kernels that move memory more than they compute: layer norm, dropout, AdamW.

#include <benchmark/benchmark.h>

#include "nn/optim/adam.h"
#include "ops/dropout/kernels.h"
#include "ops/layer_norm/kernels.h"
#include "tensor/tensor.h"

namespace lrurec {
namespace {

constexpr std::int64_t float_bytes = sizeof(float);

struct RowSizes {
  explicit RowSizes(benchmark::State& state) : rows(state.range(0)), width(state.range(1)) {}
  std::int64_t rows, width;
  Tensor x = Tensor::full({rows, width}, 0.5, DType::f32), dy = x.clone(), y = x.clone(), dx = x.clone();
  Tensor weight = Tensor::full({width}, 1, DType::f32), bias = weight.clone(), dweight = bias.clone(),
         dbias = bias.clone();
  Tensor mean = Tensor::zeros({rows}, DType::f32), rstd = mean.clone();

  void forward() const {
    ops::kernels::layer_norm_forward<float>(Cpu{}, rows, width, x.data<float>(), weight.data<float>(),
                                            bias.data<float>(), 1e-5, y.data<float>(), mean.data<float>(),
                                            rstd.data<float>());
  }
  void backward() const {
    ops::kernels::layer_norm_backward<float>(Cpu{}, rows, width, dy.data<float>(), x.data<float>(),
                                             weight.data<float>(), mean.data<float>(), rstd.data<float>(),
                                             dx.data<float>(), dweight.data<float>(), dbias.data<float>());
  }
};

void layer_norm_forward(benchmark::State& state) {
  const RowSizes r(state);
  for (auto _ : state) {
    r.forward();
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * r.rows * r.width * float_bytes);  // x read, y written
}
BENCHMARK(layer_norm_forward)->ArgNames({"rows", "width"})->Args({15300, 64})->Args({755, 64})->UseRealTime();

void layer_norm_backward(benchmark::State& state) {
  const RowSizes r(state);
  r.forward();
  for (auto _ : state) {
    r.backward();
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 3 * r.rows * r.width *
                          float_bytes);  // dy and x read, dx written
}
BENCHMARK(layer_norm_backward)
    ->ArgNames({"rows", "width"})
    ->Args({15300, 64})
    ->Args({755, 64})
    ->UseRealTime();

void dropout(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Tensor x = Tensor::full({n}, 0.5, DType::f32), y = x.clone();
  const DropoutMask mask(Philox(1, 2), 0.2);
  for (auto _ : state) {
    ops::kernels::dropout<float>(Cpu{}, n, x.data<float>(), mask, y.data<float>());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * n * float_bytes);  // x read, y written
}
BENCHMARK(dropout)->ArgName("n")->Arg(755 * 64)->Arg(15300 * 64)->Arg(15300 * 256)->UseRealTime();

void adamw(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  Variable p(Tensor::full({n}, 0.5, DType::f32), true);
  p.set_grad(Tensor::full({n}, 0.01, DType::f32));
  nn::AdamW optimizer({{{{"p", p}}, /*weight_decay=*/1e-2}}, {});
  for (auto _ : state) {
    optimizer.step(0.9);
    benchmark::ClobberMemory();
  }
  // Parameter, gradient and two moments read; parameter and moments written.
  state.SetBytesProcessed(state.iterations() * 7 * n * float_bytes);
}
BENCHMARK(adamw)->ArgName("n")->Arg(356'000)->Arg(3'860'000)->UseRealTime();  // ML-1M, Beauty

}  // namespace
}  // namespace lrurec
