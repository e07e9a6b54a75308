#pragma once
// What kernels of state spaces share on a GPU. A warp takes a channel of a sequence, and a lane every 32nd of
// its states.

#include <cstdint>
#include <type_traits>

#include "tensor/cuda/kernel.h"
#include "tensor/error.h"

namespace lrurec::ops::kernels::state_cuda {

constexpr int most = 8;  ///< states of a lane, so at most 256 of a channel

template <class T>
struct Complex {
  T re = 0, im = 0;
};

/// Calls f(i, n) for the lane's states n. Their most, `states`, is a constant, so that arrays indexed by i
/// stay in registers.
template <int states, class F>
__device__ void for_states(std::int64_t N, F&& f) {
#pragma unroll
  for (int i = 0; i < states; ++i) {
    const int n = i * cuda::warp_size + cuda::lane();
    if (n < N) f(i, n);
  }
}

template <class T>
__device__ Complex<T> at(const T* pairs, std::int64_t index) {
  return {pairs[2 * index], pairs[2 * index + 1]};
}
template <class T>
__device__ void put(const Complex<T>& x, T* pairs, std::int64_t index) {
  pairs[2 * index] = x.re, pairs[2 * index + 1] = x.im;
}

/// Blocks for a kernel with a warp for each channel of each sequence. Too many states are an error of
/// `operation`.
template <class Arguments>
int blocks(const char* operation, const Arguments& f) {
  if (f.N > most * cuda::warp_size) {
    fail_op(operation, "{} states of a channel; on a GPU there are {} at most", f.N, most * cuda::warp_size);
  }
  return static_cast<int>((f.sequences * f.H + cuda::lone_warps - 1) / cuda::lone_warps);
}

/// Calls f with the number of states of a lane as a constant. With few states a warp takes few registers, and
/// more warps run at once.
template <class F>
void by_states(std::int64_t N, F&& f) {
  if (N <= cuda::warp_size) {
    f(std::integral_constant<int, 1>());
  } else if (N <= 2 * cuda::warp_size) {
    f(std::integral_constant<int, 2>());
  } else {
    f(std::integral_constant<int, most>());
  }
}

}  // namespace lrurec::ops::kernels::state_cuda
