// Recordings of the stream: what runs when, and what cannot be recorded.

#include "tensor/cuda/graph.h"

#include <gtest/gtest.h>

#include "ops/elementwise/elementwise.h"
#include "ops/matmul/matmul.h"
#include "tensor/cuda/runtime.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

#ifdef LRUREC_CUDA_ENABLED
#ifdef LRUREC_CUDA_EMULATED
#include "tensor/cuda/emulator/emulator.h"
#endif

namespace lrurec::cuda {
namespace {

using test::gpu;

Tensor numbers(std::int64_t n, double first) {
  Tensor x = Tensor::empty({n}, DType::f32);
  for (std::int64_t i = 0; i < n; ++i)
    x.data<float>()[i] = static_cast<float>(first + static_cast<double>(i));
  return x;
}

/// y = 2 x - x^2, with tensors that are gone before it runs.
Tensor recorded(Graph& graph, const Tensor& x) {
  Recording recording;
  const Tensor y = ops::raw::sub(ops::raw::add(x, x), ops::raw::mul(x, x));
  recording.start(graph);
  return y;
}

TEST(CudaGraph, GivesWhatLaunchesGive) {
  LRUREC_NEEDS_GPU();
  Graph graph;
  // One graph for other sizes, memory and numbers.
  for (const std::int64_t n : {5, 5, 1000, 3, 100'000}) {
    const Tensor x = numbers(n, static_cast<double>(n) / 7);
    const Tensor expected = ops::raw::sub(ops::raw::add(x, x), ops::raw::mul(x, x));
    EXPECT_EQ(test::max_difference(recorded(graph, x.to(gpu)).host(), expected), 0) << n;
  }
  EXPECT_EQ(graph.made(), 1);
}

TEST(CudaGraph, IsMadeAnewForOtherWork) {
  LRUREC_NEEDS_GPU();
  Graph graph;
  const Tensor x = numbers(4, 1).to(gpu);
  recorded(graph, x);
  {
    Recording recording;
    const Tensor y = ops::raw::add(x, x);
    recording.start(graph);
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{2, 4, 6, 8}));
  }
  EXPECT_EQ(graph.made(), 2);
  recorded(graph, x);
  EXPECT_EQ(graph.made(), 3);
}

TEST(CudaGraph, ARecordingThatIsForgottenChangesNothing) {
  LRUREC_NEEDS_GPU();
  Tensor x = numbers(4, 1).to(gpu);
  const Tensor a = numbers(9, 0).reshape({3, 3}).to(gpu);
  {
    const Recording recording;
    x.fill_(7);
    x.copy_(ops::raw::add(x, x));
    fill_zero(x.data<float>(), 4 * sizeof(float));
    on_device(x.data<float>() + 1, x.data<float>(), sizeof(float));
    const float nine = 9;
    to_device(x.data<float>(), &nine, sizeof(nine));
    ops::raw::matmul(a, a);
  }
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  Graph graph;
  EXPECT_EQ(recorded(graph, x).to_vector<float>(), (std::vector<float>{1, 0, -3, -8}))
      << "the next one works";
}

TEST(CudaGraph, WorkRunsInTheOrderInWhichItWasSent) {
  LRUREC_NEEDS_GPU();
  Tensor x = numbers(4, 1).to(gpu);
  Graph graph;
  Recording recording;
  x.fill_(7);
  fill_zero(x.data<float>(), 2 * sizeof(float));
  on_device(x.data<float>() + 3, x.data<float>(), sizeof(float));
  recording.start(graph);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 0, 7, 0}));
}

// The large tensor is gone when the recording starts, and nothing lies behind it in memory.
TEST(CudaGraph, KeepsWhatIsFreedUntilItHasRun) {
  LRUREC_NEEDS_GPU();
  const Tensor x = numbers(1 << 18, 1).to(gpu);
  Tensor last = Tensor::zeros({1}, DType::f32, gpu);
  Graph graph;
  Recording recording;
  last.copy_(ops::raw::add(x, x).slice(0, (1 << 18) - 1, 1 << 18));
  recording.start(graph);
  EXPECT_EQ(last.to_vector<float>(), (std::vector<float>{2 << 18}));
}

// As without a recording, the host's bytes may change once to_device has returned; many of them at once.
TEST(CudaGraph, TakesTheHostsBytesAtOnce) {
  LRUREC_NEEDS_GPU();
  constexpr std::int64_t count = 40, large = 3 << 20;
  std::vector<Tensor> there;
  Tensor wide = Tensor::empty({large}, DType::f32, gpu);
  Graph graph;
  Recording recording;
  float value = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    there.push_back(Tensor::empty({1}, DType::f32, gpu));
    value = static_cast<float>(i);
    to_device(there.back().data<float>(), &value, sizeof(value));
  }
  {
    std::vector<float> many(large, 3);
    to_device(wide.data<float>(), many.data(), large * sizeof(float));
    many.assign(large, -1);
  }
  value = -1;
  recording.start(graph);
  for (std::int64_t i = 0; i < count; ++i) {
    EXPECT_EQ(there[static_cast<std::size_t>(i)].to_vector<float>()[0], static_cast<float>(i));
  }
  EXPECT_EQ(test::max_difference(wide.host(), Tensor::full({large}, 3, DType::f32)), 0);
}

TEST(CudaGraph, RefusesToWait) {
  LRUREC_NEEDS_GPU();
  const Tensor x = numbers(4, 1).to(gpu);
  const char* why = "a recording cannot wait for the GPU";
  {
    const Recording recording;
    test::expect_error(ErrorKind::internal, why, [&] { x.to_vector<float>(); });
    test::expect_error(ErrorKind::internal, why, [] { synchronize(); });
    test::expect_error(ErrorKind::internal, why, [] { const Recording another; });
  }
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
}

#ifdef LRUREC_CUDA_EMULATED
TEST(CudaGraph, NoKernelRunsBeforeItIsStarted) {
  const Tensor x = numbers(4, 1).to(gpu);
  Graph graph;
  const std::int64_t before = emulator::launches();
  Recording recording;
  const Tensor y = ops::raw::add(x, x);
  EXPECT_EQ(emulator::launches(), before);
  recording.start(graph);
  EXPECT_EQ(emulator::launches(), before + 1);
}
#endif

}  // namespace
}  // namespace lrurec::cuda
#endif
