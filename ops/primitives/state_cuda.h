#pragma once
// What kernels of state spaces share on a GPU: a warp takes a channel of a sequence, a lane every 32nd of its
// states.

#include <cstdint>

#include "tensor/cuda/kernel.h"
#include "tensor/error.h"

namespace lrurec::ops::kernels::state_cuda {

constexpr int most = 8;  ///< states of a lane: at most 256 of a channel

template <class T>
struct Complex {
  T re = 0, im = 0;
};

/// f(i, n) of the lane's states n.
template <class F>
__device__ void for_states(std::int64_t N, F&& f) {
  for (int i = 0; i * cuda::warp_size + cuda::lane() < N; ++i) f(i, i * cuda::warp_size + cuda::lane());
}

template <class T>
__device__ Complex<T> at(const T* pairs, std::int64_t index) {
  return {pairs[2 * index], pairs[2 * index + 1]};
}
template <class T>
__device__ void put(const Complex<T>& x, T* pairs, std::int64_t index) {
  pairs[2 * index] = x.re, pairs[2 * index + 1] = x.im;
}

/// Of a kernel over all channels of all sequences, `warps` warps each.
template <class Arguments>
int blocks(const char* operation, const Arguments& f) {
  if (f.N > most * cuda::warp_size) {
    fail_op(operation, "{} states of a channel; on a GPU there are {} at most", f.N, most * cuda::warp_size);
  }
  return static_cast<int>((f.sequences * f.H + cuda::lone_warps - 1) / cuda::lone_warps);
}

}  // namespace lrurec::ops::kernels::state_cuda
