// A block takes a row, and its threads share the columns. The first pass finds maximum and sum together (a
// thread rescales its sum when its maximum grows), the second writes.

#include <limits>

#include "ops/softmax/kernels.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::block_max, cuda::block_sum;

/// Largest element (0 when it is not finite) and sum of exp(x - largest) of a row.
template <class T>
struct RowSums {
  T shift, sum;

  __device__ RowSums(std::int64_t columns, const T* x, T* partial) {
    T top = -std::numeric_limits<T>::infinity(), total = 0;
    for (std::int64_t c = threadIdx.x; c < columns; c += blockDim.x) {
      const T v = x[c];
      if (v > top) {
        total *= std::exp(top - v);  // 0 at first: nothing was added yet
        top = v;
      }
      total += v == top ? T(1) : std::exp(v - top);  // also where both are infinite
    }
    const T largest = block_max(top, partial);
    const bool finite =
        largest > -std::numeric_limits<T>::infinity() && largest < std::numeric_limits<T>::infinity();
    shift = finite ? largest : T(0);
    sum = block_sum(total * std::exp(top - shift), partial);
    // With an infinite element every share is NaN, not only its own.
    if (largest == std::numeric_limits<T>::infinity()) sum = std::numeric_limits<T>::quiet_NaN();
  }
};

template <class T>
__global__ void log_sum_exp_kernel(std::int64_t columns, const T* x, RowLogSum<T>* lse) {
  __shared__ T partial[cuda::warp_size];
  const std::int64_t r = blockIdx.x;
  const RowSums<T> sums(columns, x + r * columns, partial);
  if (threadIdx.x == 0) lse[r] = {sums.shift, std::log(sums.sum)};
}

template <bool log, class T>
__global__ void softmax_kernel(std::int64_t columns, const T* x, T* y) {
  __shared__ T partial[cuda::warp_size];
  const std::int64_t row = blockIdx.x * columns;
  const RowSums<T> sums(columns, x + row, partial);
  const T scale = T(1) / sums.sum, log_sum = std::log(sums.sum);
  for (std::int64_t c = threadIdx.x; c < columns; c += blockDim.x) {
    const T v = x[row + c] - sums.shift;
    y[row + c] = log ? v - log_sum : std::exp(v) * scale;
  }
}

// dx = y (dy - sum dy y), or of the logarithm dy - exp(y) sum dy
template <bool log, class T>
__global__ void softmax_backward_kernel(std::int64_t columns, const T* dy, const T* y, T* dx) {
  __shared__ T partial[cuda::warp_size];
  const std::int64_t row = blockIdx.x * columns;
  T total = 0;
  for (std::int64_t c = threadIdx.x; c < columns; c += blockDim.x)
    total += log ? dy[row + c] : dy[row + c] * y[row + c];
  total = block_sum(total, partial);
  for (std::int64_t c = threadIdx.x; c < columns; c += blockDim.x) {
    const T g = dy[row + c], v = y[row + c];
    dx[row + c] = log ? g - std::exp(v) * total : v * (g - total);
  }
}

unsigned threads_of_row(std::int64_t columns) { return columns <= 128 ? 32 : columns <= 1024 ? 128 : 256; }

template <class T, class K, class... P>
void by_rows(const char* name, K kernel, std::int64_t rows, std::int64_t columns, P... pointers) {
  cuda::launch(name, kernel, static_cast<unsigned>(rows), threads_of_row(columns), 0, columns, pointers...);
}

}  // namespace

template <class T>
void softmax_forward(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  by_rows<T>("softmax", softmax_kernel<false, T>, rows, columns, x, y);
}
template <class T>
void softmax_backward(Cuda, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx) {
  by_rows<T>("softmax", softmax_backward_kernel<false, T>, rows, columns, dy, y, dx);
}
template <class T>
void log_softmax_forward(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  by_rows<T>("log_softmax", softmax_kernel<true, T>, rows, columns, x, y);
}
template <class T>
void log_softmax_backward(Cuda, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx) {
  by_rows<T>("log_softmax", softmax_backward_kernel<true, T>, rows, columns, dy, y, dx);
}
template <class T>
void log_sum_exp(Cuda, std::int64_t rows, std::int64_t columns, const T* x, RowLogSum<T>* lse) {
  by_rows<T>("log_sum_exp", log_sum_exp_kernel<T>, rows, columns, x, lse);
}

#define SOFTMAX(T)                                                                             \
  template void log_sum_exp<T>(Cuda, std::int64_t, std::int64_t, const T*, RowLogSum<T>*);     \
  template void softmax_forward<T>(Cuda, std::int64_t, std::int64_t, const T*, T*);            \
  template void softmax_backward<T>(Cuda, std::int64_t, std::int64_t, const T*, const T*, T*); \
  template void log_softmax_forward<T>(Cuda, std::int64_t, std::int64_t, const T*, T*);        \
  template void log_softmax_backward<T>(Cuda, std::int64_t, std::int64_t, const T*, const T*, T*);
SOFTMAX(float)
SOFTMAX(double)

}  // namespace lrurec::ops::kernels
