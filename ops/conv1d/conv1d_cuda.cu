// A thread takes an element of the result and finds its sequence by bisection. Neighbouring threads take
// channels of one row; the 2 K rows that it reads lie in the cache.

#include "ops/conv1d/kernels.h"
#include "ops/primitives/chunks.h"
#include "ops/primitives/column_sum_cuda.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"

namespace lrurec::ops::kernels {
namespace conv1d_rows {

using cuda::Chunks, cuda::global_thread, cuda::grid_threads;

/// The sequence of row t: the last one that begins at or before it.
template <class T>
__device__ std::int64_t sequence_of(const Conv1d<T>& f, std::int64_t t) {
  std::int64_t low = 0, high = f.sequences;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (f.offsets[middle] <= t ? low : high) = middle;
  }
  return low;
}

template <class T>
__global__ void conv1d_forward_kernel(Conv1d<T> f, const T* bias, T* y) {
  for (std::int64_t i = global_thread(); i < f.tokens * f.D; i += grid_threads()) {
    const std::int64_t t = i / f.D, d = i % f.D, begin = f.offsets[sequence_of(f, t)];
    T sum = bias != nullptr ? bias[d] : T(0);
    for (std::int64_t k = 0; k < f.K && t - k >= begin; ++k) sum += f.weight[k * f.D + d] * f.x[i - k * f.D];
    y[i] = sum;
  }
}

template <class T>
__global__ void input_gradient_kernel(Conv1d<T> f, const T* dy, T* dx) {
  for (std::int64_t i = global_thread(); i < f.tokens * f.D; i += grid_threads()) {
    const std::int64_t t = i / f.D, d = i % f.D, end = f.offsets[sequence_of(f, t) + 1];
    T sum = 0;
    for (std::int64_t k = 0; k < f.K && t + k < end; ++k) sum += f.weight[k * f.D + d] * dy[i + k * f.D];
    dx[i] = sum;
  }
}

/// partial: [chunks, K + 1, D], the sums over the rows of each chunk: K rows of the weight, then the bias.
template <class T>
__global__ void parameter_gradient_kernel(Conv1d<T> f, Chunks chunks, const T* dy, T* partial) {
  const std::int64_t width = (f.K + 1) * f.D;
  for (std::int64_t i = global_thread(); i < chunks.count * width; i += grid_threads()) {
    const std::int64_t chunk = i / width, k = i % width / f.D, d = i % f.D;
    const std::int64_t first = chunks.begin(chunk), last = chunks.end(chunk);
    std::int64_t s = sequence_of(f, first);
    T sum = 0;
    for (std::int64_t t = first; t < last; ++t) {
      while (f.offsets[s + 1] <= t) ++s;
      if (k == f.K) {
        sum += dy[t * f.D + d];
      } else if (t - k >= f.offsets[s]) {
        sum += dy[t * f.D + d] * f.x[(t - k) * f.D + d];
      }
    }
    partial[i] = sum;
  }
}

}  // namespace conv1d_rows

template <class T>
void conv1d_forward(Cuda, const Conv1d<T>& f, const T* bias, T* y) {
  cuda::launch("conv1d", conv1d_rows::conv1d_forward_kernel<T>, cuda::blocks_for(f.tokens * f.D), 256, 0, f,
               bias, y);
}

template <class T>
void conv1d_backward(Cuda, const Conv1d<T>& f, const T* dy, T* dx, T* dparameters) {
  const cuda::Chunks chunks(f.tokens, 64, 512);
  const std::int64_t width = (f.K + 1) * f.D;
  const cuda::Scratch<T> partial(chunks.count * width);
  cuda::launch("conv1d", conv1d_rows::input_gradient_kernel<T>, cuda::blocks_for(f.tokens * f.D), 256, 0, f,
               dy, dx);
  cuda::launch("conv1d", conv1d_rows::parameter_gradient_kernel<T>, cuda::blocks_for(chunks.count * width),
               256, 0, f, chunks, dy, partial.data());
  cuda::column_sum(chunks.count, width, partial.data(), dparameters);
}

#define CONV1D(T)                                                        \
  template void conv1d_forward<T>(Cuda, const Conv1d<T>&, const T*, T*); \
  template void conv1d_backward<T>(Cuda, const Conv1d<T>&, const T*, T*, T*);
CONV1D(float)
CONV1D(double)

}  // namespace lrurec::ops::kernels
