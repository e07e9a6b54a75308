#include "ops/cross_entropy/kernels.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::ops::kernels {
namespace {

// One block, since a loss is one number for each row, and few rows of stored logits fit a GPU.
template <class T>
__global__ void __launch_bounds__(cuda::most_block_threads)
    cross_entropy_mean_kernel(std::int64_t rows, std::int64_t columns, const T* x, const std::int64_t* labels,
                              const RowLogSum<T>* lse, double count, T* value) {
  __shared__ double partial[cuda::warp_size];
  double total = 0;
  for (std::int64_t r = threadIdx.x; r < rows; r += blockDim.x) {
    if (labels[r] >= 0)
      total += static_cast<double>((lse[r].largest - x[r * columns + labels[r]]) + lse[r].log_sum);
  }
  total = cuda::block_sum(total, partial);
  if (threadIdx.x == 0) *value = static_cast<T>(total / count);
}

template <class T>
__global__ void cross_entropy_backward_kernel(std::int64_t columns, const T* x, const std::int64_t* labels,
                                              const RowLogSum<T>* lse, const T* dL, T count, T* dx) {
  const std::int64_t r = blockIdx.x, row = r * columns, label = labels[r];
  const T scale = label < 0 ? T(0) : *dL / count;
  const RowLogSum<T> sums = lse[r];
  for (std::int64_t c = threadIdx.x; c < columns; c += blockDim.x) {
    const T p = label < 0 ? T(0) : std::exp((x[row + c] - sums.largest) - sums.log_sum) * scale;
    dx[row + c] = c == label ? p - scale : p;
  }
}

}  // namespace

template <class T>
void cross_entropy_mean(Cuda, std::int64_t rows, std::int64_t columns, const T* x, const std::int64_t* labels,
                        const RowLogSum<T>* lse, std::int64_t count, T* value) {
  cuda::launch("cross_entropy", cross_entropy_mean_kernel<T>, 1, cuda::most_block_threads, 0, rows, columns,
               x, labels, lse, static_cast<double>(count), value);
}

template <class T>
void cross_entropy_backward(Cuda, std::int64_t rows, std::int64_t columns, const T* x,
                            const std::int64_t* labels, const RowLogSum<T>* lse, const T* dL,
                            std::int64_t count, T* dx) {
  cuda::launch("cross_entropy", cross_entropy_backward_kernel<T>, static_cast<unsigned>(rows),
               cuda::block_threads, 0, columns, x, labels, lse, dL, static_cast<T>(count), dx);
}

#define CROSS_ENTROPY(T)                                                                                   \
  template void cross_entropy_mean<T>(Cuda, std::int64_t, std::int64_t, const T*, const std::int64_t*,     \
                                      const RowLogSum<T>*, std::int64_t, T*);                              \
  template void cross_entropy_backward<T>(Cuda, std::int64_t, std::int64_t, const T*, const std::int64_t*, \
                                          const RowLogSum<T>*, const T*, std::int64_t, T*);
CROSS_ENTROPY(float)
CROSS_ENTROPY(double)

}  // namespace lrurec::ops::kernels
