#pragma once
// Launching kernels on a real GPU; included by kernel.h.

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

namespace lrurec::cuda {

/// Throws with the name of the kernel for any code but success.
void check_call(const char* name, cudaError_t code);
/// Throws with the kernel's name where a launch failed. Errors while a kernel runs are thrown by
/// synchronize().
void check_launch(const char* name);
cudaStream_t stream();

/// What the emulator needs to tell calls of a helper apart (kernel.h); nothing on a GPU.
struct Place {
  __device__ static constexpr Place current() { return {}; }
};
struct CalledFrom {
  __device__ explicit CalledFrom(const Place&) {}
};

/// The block's dynamic shared memory, of the size that launch() was given.
template <class T>
__device__ T* shared_memory() {
  extern __shared__ __align__(16) unsigned char lrurec_shared_memory[];
  return reinterpret_cast<T*>(lrurec_shared_memory);
}

/// Starts kernel<<<grid, block, shared_bytes>>>(arguments...) in the stream; does nothing for an empty grid.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  // A block has 48 KiB without asking; the rest is for what a kernel declares __shared__
  // (tools/bench/cuda_resources.sh).
  constexpr std::size_t without_asking = 32 * 1024;
  if (shared_bytes > without_asking) {
    check_call(name, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                          static_cast<int>(shared_bytes)));
  }
  std::tuple<Parameters...> converted(std::forward<Arguments>(arguments)...);
  std::apply(
      [&](auto&... p) {
        void* pointers[] = {const_cast<void*>(static_cast<const void*>(&p))..., nullptr};
        check_call(name, cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, pointers,
                                          shared_bytes, stream()));
      },
      converted);
  check_launch(name);
}

}  // namespace lrurec::cuda
