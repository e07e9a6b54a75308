#include "ops/primitives/select_cuda.h"
#include "ops/top_k/kernels.h"

namespace lrurec::ops::kernels {
namespace {

static_assert(top_k_most_on_gpu <= cuda::select_most);

// One thread an element of dy; a row's indices differ, so no two write the same place.
template <class T>
__global__ void scatter_kernel(std::int64_t n, std::int64_t columns, std::int64_t k, const T* dy,
                               const std::int64_t* indices, T* dx) {
  for (std::int64_t i = cuda::global_thread(); i < n; i += cuda::grid_threads()) {
    dx[i / k * columns + indices[i]] = dy[i];
  }
}

}  // namespace

template <class T>
void top_k(Cuda, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* x, std::int64_t* indices,
           T* values) {
  cuda::select_largest("top_k", rows, columns, columns, k, x, indices, values);
}

template <class T>
void scatter_rows(Cuda, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* dy,
                  const std::int64_t* indices, T* dx) {
  cuda::launch("top_k backward", scatter_kernel<T>, cuda::blocks_for(rows * k), 256, 0, rows * k, columns, k,
               dy, indices, dx);
}

#define TOP_K(T)                                                                                       \
  template void top_k<T>(Cuda, std::int64_t, std::int64_t, std::int64_t, const T*, std::int64_t*, T*); \
  template void scatter_rows<T>(Cuda, std::int64_t, std::int64_t, std::int64_t, const T*,              \
                                const std::int64_t*, T*);
TOP_K(float)
TOP_K(double)

}  // namespace lrurec::ops::kernels
