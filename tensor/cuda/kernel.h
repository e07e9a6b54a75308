#pragma once
// For CUDA kernel files only (*_cuda.cu): how kernels are launched, and what they share.
//
// A kernel file is CUDA C++ with three rules, so that the emulator (emulator/emulator.h) can run it as well:
// - kernels start by launch(...), not by <<<...>>>;
// - dynamic shared memory comes from shared_memory<T>();
// - a helper in which threads wait for each other takes the place of its call (`Place caller =
// Place::current()`)
//   and begins with `const CalledFrom here(caller)`, since threads in two calls of it must not wait together.

#ifdef LRUREC_CUDA_EMULATED
#include "tensor/cuda/emulator/emulator.h"
#else
#include "tensor/cuda/toolkit/launch.h"
#endif

#include <algorithm>
#include <cstdint>

#include "tensor/cuda/runtime.h"
#include "tensor/host_device.h"

namespace lrurec::cuda {

inline constexpr int warp_size = 32;
inline constexpr unsigned whole_warp = 0xffffffffu;

/// Threads of a block, and its warps, where there is no reason for other numbers.
inline constexpr int block_threads = 256, block_warps = block_threads / warp_size;
/// The most that a block can have. A kernel started with so many says it by __launch_bounds__, so that it
/// gets registers for all of them.
inline constexpr int most_block_threads = 1024;
/// Warps of a block in which each warp works alone (on a row, a channel, a token) and none waits for another.
inline constexpr int lone_warps = 4;

/// Blocks of `threads` for n elements with one thread each, at most 16 for each multiprocessor: kernels walk
/// by strides of the grid.
inline int blocks_for(std::int64_t n, int threads = block_threads) {
  return static_cast<int>(std::min<std::int64_t>((n + threads - 1) / threads, 16 * multiprocessors()));
}

/// First element and step of a thread that walks n elements by strides of a one-dimensional grid.
__device__ inline std::int64_t global_thread() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t grid_threads() { return static_cast<std::int64_t>(gridDim.x) * blockDim.x; }

__device__ inline int lane() { return static_cast<int>(threadIdx.x) & (warp_size - 1); }
__device__ inline int warp() { return static_cast<int>(threadIdx.x) / warp_size; }

/// The sum (maximum) over a warp, the same bits in every lane: the order of additions is a fixed tree.
template <class T>
__device__ T warp_sum(T x, Place caller = Place::current()) {
  const CalledFrom here(caller);
#pragma unroll
  for (int step = warp_size / 2; step > 0; step /= 2) x += __shfl_xor_sync(whole_warp, x, step);
  return x;
}
template <class T>
__device__ T warp_max(T x, Place caller = Place::current()) {
  const CalledFrom here(caller);
#pragma unroll
  for (int step = warp_size / 2; step > 0; step /= 2) {
    const T other = __shfl_xor_sync(whole_warp, x, step);
    x = other > x ? other : x;
  }
  return x;
}

/// The sum (maximum) over a block of whole warps (at most 1024 threads), the same bits in every thread.
/// `partial`: 32 elements of shared memory. Starts and ends with a barrier, so that it may be called again at
/// once.
template <class T>
__device__ T block_sum(T x, T* partial, Place caller = Place::current()) {
  const CalledFrom here(caller);
  x = warp_sum(x);
  __syncthreads();
  if (lane() == 0) partial[warp()] = x;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x) / warp_size;
  return warp_sum(lane() < warps ? partial[lane()] : T(0));
}
template <class T>
__device__ T block_max(T x, T* partial, Place caller = Place::current()) {
  const CalledFrom here(caller);
  x = warp_max(x);
  __syncthreads();
  if (lane() == 0) partial[warp()] = x;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x) / warp_size;
  return warp_max(partial[lane() < warps ? lane() : 0]);
}

}  // namespace lrurec::cuda
