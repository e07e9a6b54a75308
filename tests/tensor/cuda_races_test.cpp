// What tools/sanitize.sh races must notice. Only there is this file compiled with -fsanitize=thread.

#if defined(LRUREC_CUDA_EMULATED) && defined(__SANITIZE_THREAD__)

#include <gtest/gtest.h>

#include "tensor/cuda/kernel.h"
#include "tensor/tensor.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::cuda {
namespace {

constexpr unsigned race_threads = 96;

void run_racing(void (*kernel)(float*), dim3 grid) {
  const Tensor x = Tensor::zeros({race_threads}, DType::f32, test::gpu);
  launch("test", kernel, grid, race_threads, race_threads * sizeof(float), x.data<float>());
}

void expect_race(const char* what, void (*kernel)(float*), dim3 grid = 1) {
  test::in_every_thread_order(
      [&] { test::expect_error(ErrorKind::internal, what, [&] { run_racing(kernel, grid); }); });
}

void expect_no_race(void (*kernel)(float*), dim3 grid = 1) {
  test::in_every_thread_order([&] { EXPECT_NO_THROW(run_racing(kernel, grid)); });
}

__global__ void lost_update(float* x) { x[0] += 1; }
template <bool apart>
__global__ void update_of_each_block(float* x) {
  if (threadIdx.x == 0) x[apart ? blockIdx.x : 0] += 1;
}

TEST(CudaRaces, UpdatesThatAreLost) {
  expect_race("device memory", lost_update);
  expect_race("of another block", update_of_each_block<false>, 2);
  expect_no_race(update_of_each_block<true>, 2);
}

template <bool with_barrier>
__global__ void reverse_declared(float* x) {
  __shared__ float shared[race_threads];
  shared[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncthreads();
  x[threadIdx.x] = shared[race_threads - 1 - threadIdx.x];
}
template <bool with_barrier>
__global__ void reverse_dynamic(float* x) {
  float* shared = shared_memory<float>();
  shared[threadIdx.x] = x[threadIdx.x];
  if (with_barrier) __syncthreads();
  x[threadIdx.x] = shared[race_threads - 1 - threadIdx.x];
}

TEST(CudaRaces, AMissingBarrier) {
  expect_race("a race: ", reverse_declared<false>);
  expect_race("shared memory", reverse_dynamic<false>);
  expect_no_race(reverse_declared<true>);
  expect_no_race(reverse_dynamic<true>);
}

template <bool atomic>
__global__ void histogram(float* x) {
  __shared__ int counts[4];
  if (threadIdx.x < 4) counts[threadIdx.x] = 0;
  __syncthreads();
  if (atomic) {
    atomicAdd(&counts[threadIdx.x % 4], 1);
  } else {
    ++counts[threadIdx.x % 4];
  }
  __syncthreads();
  if (threadIdx.x < 4) x[4 * blockIdx.x + threadIdx.x] = static_cast<float>(counts[threadIdx.x]);
}

TEST(CudaRaces, CountsWithoutAtomics) {
  expect_race("shared memory", histogram<false>);
  expect_no_race(histogram<true>, 2);
}

enum class Between { nothing, shuffle, syncwarp };
template <Between between>
__global__ void neighbours(float* x) {
  float* shared = shared_memory<float>();
  shared[threadIdx.x] = 1;
  if (between == Between::shuffle) warp_sum(1.0F);
  if (between == Between::syncwarp) __syncwarp();
  x[threadIdx.x] = shared[threadIdx.x ^ 1u];
}

TEST(CudaRaces, LanesAreOrderedBySyncwarpAndNotByShuffles) {
  expect_race("shared memory", neighbours<Between::nothing>);
  expect_race("shared memory", neighbours<Between::shuffle>);
  expect_no_race(neighbours<Between::syncwarp>);
}

__global__ void bytes_side_by_side(float* x) { reinterpret_cast<unsigned char*>(x)[threadIdx.x] = 1; }

TEST(CudaRaces, BytesOfOneWordAreNotOne) { expect_no_race(bytes_side_by_side); }

}  // namespace
}  // namespace lrurec::cuda

#endif
