// The emulator must notice what it promises to notice: a check that cannot fail would prove nothing about
// kernels.

#ifdef LRUREC_CUDA_EMULATED

#include "tensor/cuda/kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <set>

#include "tensor/cuda/element.h"
#include "tensor/cuda/emulator/memory.h"
#include "tensor/cuda/gemm.h"
#include "tensor/cuda/pack.h"
#include "tensor/cuda/runtime.h"
#include "tensor/tensor.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::cuda {
namespace {

using test::gpu;

std::vector<float> launch_on(const std::vector<float>& x, void (*kernel)(float*), dim3 block,
                             std::size_t shared_bytes = 0) {
  const Tensor t = Tensor::from(x).to(gpu);
  launch("test", kernel, 1, block, shared_bytes, t.data<float>());
  return t.to_vector<float>();
}

template <bool with_barrier>
__global__ void reverse(float* x) {
  float* shared = shared_memory<float>();
  shared[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncthreads();
  x[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

std::vector<float> counting(std::size_t n) {
  std::vector<float> x(n);
  std::iota(x.begin(), x.end(), 1.0f);
  return x;
}

TEST(CudaEmulator, BarriersMakeTheOrderOfThreadsIrrelevant) {
  auto expected = counting(96);
  std::reverse(expected.begin(), expected.end());
  test::in_every_thread_order(
      [&] { EXPECT_EQ(launch_on(counting(96), reverse<true>, 96, 96 * sizeof(float)), expected); });
}

#ifndef __SANITIZE_THREAD__  // there it is an error (cuda_races_test.cpp)
TEST(CudaEmulator, AMissingBarrierGivesWrongNumbers) {
  auto expected = counting(96);
  std::reverse(expected.begin(), expected.end());
  int wrong = 0;
  test::in_every_thread_order(
      [&] { wrong += launch_on(counting(96), reverse<false>, 96, 96 * sizeof(float)) != expected ? 1 : 0; });
  EXPECT_EQ(wrong, 3);
}
#endif

__global__ void barrier_for_half(float*) {
  if (threadIdx.x < 16) __syncthreads();
}
__global__ void shuffle_for_half(float* x) {
  if (threadIdx.x < 16) x[threadIdx.x] = __shfl_xor_sync(whole_warp, x[threadIdx.x], 1);
}

TEST(CudaEmulator, ThreadsThatWaitForOthersInVainAreAnError) {
  for (auto* kernel : {barrier_for_half, shuffle_for_half}) {
    test::expect_error(ErrorKind::internal, "wait for others that do not come",
                       [&] { launch_on(counting(32), kernel, 32); });
  }
  // The next kernel runs as if nothing had happened.
  EXPECT_EQ(launch_on(counting(2), reverse<true>, 2, 8), (std::vector<float>{2, 1}));
}

template <int first, int second>
__global__ void barriers_apart(float*) {
  if (threadIdx.x < first) {
    __syncthreads();
  } else if (threadIdx.x < second) {
    __syncthreads();
  }
}
__global__ void shuffles_apart(float* x) {
  if (threadIdx.x % 2 == 0) {
    x[threadIdx.x] = __shfl_xor_sync(whole_warp, x[threadIdx.x], 2);
  } else {
    x[threadIdx.x] = __shfl_xor_sync(whole_warp, x[threadIdx.x], 4);
  }
}

// The same place of a helper, in two calls of it.
__global__ void warp_sums_apart(float* x) {
  if (threadIdx.x % 2 == 0) {
    x[threadIdx.x] = warp_sum(x[threadIdx.x]);
  } else {
    x[threadIdx.x] = warp_sum(2 * x[threadIdx.x]);
  }
}
__global__ void block_sums_apart(float* x) {
  __shared__ float partial[32];
  if (threadIdx.x < 32) {
    x[threadIdx.x] = block_sum(x[threadIdx.x], partial);
  } else {
    x[threadIdx.x] = block_sum(2 * x[threadIdx.x], partial);
  }
}

TEST(CudaEmulator, ThreadsThatMeetAtDifferentPlacesAreAnError) {
  for (auto* kernel : {barriers_apart<16, 64>, shuffles_apart, warp_sums_apart, block_sums_apart}) {
    test::expect_error(ErrorKind::internal, "[test] block (0, 0, 0): threads wait at",
                       [&] { launch_on(counting(64), kernel, 64); });
  }
  launch_on(counting(64), barriers_apart<64, 64>, 64);
}

__global__ void sum_of_packs(std::size_t begin, float* x) {
  Pack<float, 4> sum{};
  for (const std::size_t pack : {0, 4}) {
    for (int k = 0; k < 4; ++k) sum[k] += load<4>(x + begin + pack)[k];
  }
  store(x, sum);
}

TEST(CudaEmulator, PacksAtAddressesThatAreNotAlignedAreAnError) {
  const Tensor x = Tensor::from(counting(16)).to(gpu);
  launch("test", sum_of_packs, 1, 1, 0, std::size_t{4}, x.data<float>());
  EXPECT_EQ(x.to_vector<float>()[0], 5 + 9);
  test::expect_error(ErrorKind::internal, "a pack of 16 bytes is read or written where it is not aligned",
                     [&] { launch("test", sum_of_packs, 1, 1, 0, std::size_t{1}, x.data<float>()); });
}

TEST(CudaEmulator, ComplexNumbersThatAreNotAlignedAreAnError) {
  const auto at = []<class T>(T, std::size_t real) {
    using Real = typename T::value_type;
    const Tensor x = Tensor::zeros({4}, dtype_of<Real>, gpu);
    // As std::complex may lie, and cuda::std::complex may not.
    elements(reinterpret_cast<T*>(x.data<Real>() + real));
  };
  at(c64(), 2), at(c128(), 2);
  test::expect_error(ErrorKind::internal, "elements of 8 bytes lie where they are not aligned",
                     [&] { at(c64(), 1); });
  test::expect_error(ErrorKind::internal, "elements of 16 bytes lie where they are not aligned",
                     [&] { at(c128(), 1); });
}

__global__ void queue_up(int* next, float* order) {
  order[atomicAdd(next, 1)] = static_cast<float>(blockIdx.x);
}

TEST(CudaEmulator, BlocksRunInOtherOrdersAsWell) {
  std::set<std::vector<float>> orders;
  test::in_every_thread_order([&] {
    const Tensor next = Tensor::zeros({1}, DType::i32, gpu), order = Tensor::zeros({20}, DType::f32, gpu);
    launch("test", queue_up, 20, 1, 0, next.data<std::int32_t>(), order.data<float>());
    orders.insert(order.to_vector<float>());
  });
  EXPECT_EQ(orders.size(), 3U);
}

template <class T>
__global__ void one_too_far(T value, T* x) {
  x[threadIdx.x + 1] = value;
}

TEST(CudaEmulatorDeathTest, AWriteBeyondABlockOfMemoryIsNoticed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto write = [](auto value) {
    const Tensor t = Tensor::zeros({64}, dtype_of<decltype(value)>, gpu);
    launch("test", one_too_far<decltype(value)>, 1, 64, 0, value, t.data<decltype(value)>());
  };
  EXPECT_DEATH(write(0.0F), "past the end of a block of 256 bytes");
  EXPECT_DEATH(write(std::int64_t{-1}), "past the end of a block of 512 bytes");
}

TEST(CudaEmulatorDeathTest, HostCodeCannotTouchDeviceMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Tensor t = Tensor::from(counting(4)).to(gpu);
  EXPECT_DEATH(*static_cast<volatile float*>(t.data<float>()) = 1, "");
}

TEST(CudaEmulator, HostPointersAreNoArgumentsOfAKernel) {
  float on_the_stack = 0;
  test::expect_error(ErrorKind::internal, "[test] an argument of the kernel points to host memory",
                     [&] { launch("test", one_too_far<float>, 1, 1, 0, 0.0F, &on_the_stack); });
}

__global__ void copy_shared(float* x) { x[threadIdx.x] = shared_memory<float>()[threadIdx.x]; }

TEST(CudaEmulator, WhatNobodyWroteIsNaN) {
  for (const float x : launch_on(counting(8), copy_shared, 8, 32)) EXPECT_TRUE(std::isnan(x));
  for (const float x : Tensor::empty({8}, DType::f32, gpu).to_vector<float>()) EXPECT_TRUE(std::isnan(x));
  for (const double x : Tensor::empty({8}, DType::f64, gpu).to_vector<double>()) EXPECT_TRUE(std::isnan(x));
  for (const auto id : Tensor::empty({8}, DType::i64, gpu).to_vector<std::int64_t>())
    EXPECT_GT(id, 1LL << 60);
}

__global__ void from_further_on(std::size_t behind, const float* there, float* x) { x[0] = there[behind]; }

/// What a kernel reads `behind` floats after the beginning of a block.
float read_by_kernel(std::size_t behind, const float* block) {
  const Tensor t = Tensor::zeros({1}, DType::f32, gpu);
  launch("test", from_further_on, 1, 1, 0, behind, block, t.data<float>());
  return t.item<float>();
}

TEST(CudaEmulator, WhatLiesBehindABlockOrWasFreedIsNaN) {
  const Tensor five = Tensor::from(counting(5)).to(gpu);
  EXPECT_EQ(read_by_kernel(4, five.data<float>()), 5);
  for (const std::size_t behind : {5, 63, 64, 100}) {
    EXPECT_TRUE(std::isnan(read_by_kernel(behind, five.data<float>()))) << behind;
  }
  auto freed = std::make_unique<Tensor>(Tensor::from(counting(5)).to(gpu));
  const Tensor after = Tensor::from(counting(5)).to(gpu);  // so that the freed memory is not the last
  const float* block = freed->data<float>();
  freed.reset();
  launch("test", from_further_on, 1, 1, 0, std::size_t{2}, block, after.data<float>());
  EXPECT_TRUE(std::isnan(after.to_vector<float>()[0]));
}

TEST(CudaEmulator, ProductsTakeTheRowsThatCuBlasTakes) {
  const Tensor x = Tensor::from(counting(8)).to(gpu), y = Tensor::zeros({4}, DType::f32, gpu);
  const float* a = x.data<float>();
  float* c = y.data<float>();
  test::expect_error(ErrorKind::internal, "1 elements between rows of A with 2 columns",
                     [&] { gemm<float>(Read::plain, Read::transpose, 2, 2, 2, a, 1, a + 4, 2, 0, c, 2); });
  // Rows of nothing: 0 elements between them.
  gemm<float>(Read::plain, Read::transpose, 2, 2, 0, a, 0, a, 0, 0, c, 2);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 0, 0, 0}));
}

TEST(CudaEmulator, CopiesOfABatchAreStaged) {
  const std::int64_t before = emulator::waiting_copies();
  const Tensor t =
      Tensor::zeros({6 << 20}, DType::f32).to(gpu);  // 24 MiB: negatives for each of 30,000 labels
  EXPECT_EQ(emulator::waiting_copies(), before);
}

__global__ void sums(float* x) {
  __shared__ float partial[32];
  const float sum = block_sum(x[threadIdx.x], partial), largest = block_max(x[threadIdx.x], partial);
  x[threadIdx.x] = sum + 1000000 * largest;
}

TEST(CudaEmulator, BlockSumAndMaximumReachEveryThread) {
  for (const unsigned threads : {32u, 64u, 256u, 1024u}) {
    const float n = static_cast<float>(threads);
    test::in_every_thread_order([&] {
      for (const float x : launch_on(counting(threads), sums, threads))
        EXPECT_EQ(x, n * (n + 1) / 2 + 1000000 * n);
    });
  }
}

__global__ void exchanges(float* x) {
  const float mine = x[threadIdx.x];
  const float up = __shfl_up_sync(whole_warp, mine, 1), down = __shfl_down_sync(whole_warp, mine, 3);
  const float within = __shfl_sync(whole_warp, mine, 2, 8);
  const bool odd = (__ballot_sync(whole_warp, static_cast<int>(mine) % 2) >> lane() & 1u) != 0;
  x[threadIdx.x] = up + 100 * down + 10000 * within + (odd ? 0.5f : 0.0f);
}

TEST(CudaEmulator, WarpOperationsFollowTheProgrammingGuide) {
  const auto x = launch_on(counting(64), exchanges, 64);
  EXPECT_EQ(x[0], 1 + 400 + 30000 + 0.5f);      // up: nothing below lane 0
  EXPECT_EQ(x[30], 30 + 3100 + 270000 + 0.5f);  // down: nothing above lane 31; segment 24..31
  EXPECT_EQ(x[33], 33 + 3700 + 350000 + 0.0f);  // the second warp
}

TEST(CudaEmulator, ImpossibleLaunchesAreErrors) {
  test::expect_error(ErrorKind::internal, "2048 threads",
                     [&] { launch("test", copy_shared, 1, 2048, 0, nullptr); });
  test::expect_error(ErrorKind::internal, "(2 x 1 x 65)",
                     [&] { launch("test", copy_shared, 1, dim3(2, 1, 65), 0, nullptr); });
  test::expect_error(ErrorKind::internal, "on a grid of 2147483648 x 1 x 1",
                     [&] { launch("test", copy_shared, 1u << 31, 32, 0, nullptr); });
  test::expect_error(ErrorKind::internal, "shared memory",
                     [&] { launch("test", copy_shared, 1, 32, 1 << 20, nullptr); });
}

TEST(CudaEmulator, DeviceMemoryRunsOut) {
  emulator::set_memory_limit(std::size_t{1} << 20);
  const std::size_t before = memory_stats(DeviceType::cuda).in_use;
  test::expect_error(ErrorKind::out_of_memory, "a tensor of 4.0 MiB does not fit",
                     [] { Tensor::empty({1 << 20}, DType::f32, gpu); });
  emulator::set_memory_limit(std::size_t{4} << 30);
  EXPECT_EQ(memory_stats(DeviceType::cuda).in_use, before);
  EXPECT_EQ(Tensor::zeros({1 << 20}, DType::f32, gpu).to_vector<float>().back(), 0);
}

}  // namespace
}  // namespace lrurec::cuda

#endif
