#include "ops/cumsum/kernels.h"
#include "tensor/cuda/kernel.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::lane, cuda::warp, cuda::warp_size;

/// The sum of x over this lane and those before it.
template <class R>
__device__ R sum_so_far(R x, cuda::Place caller = cuda::Place::current()) {
  const cuda::CalledFrom here(caller);
  for (int step = 1; step < warp_size; step *= 2) {
    const R before = __shfl_up_sync(cuda::whole_warp, x, step);
    if (lane() >= step) x += before;
  }
  return x;
}

// A warp a row, 32 columns at a time. The parts of a complex number are summed apart: element c of row r has
// its `parts` numbers at (r * columns + c) * parts.
template <class Sum, class R>
__global__ void cumsum_kernel(std::int64_t rows, std::int64_t columns, int parts, const R* x, R* y) {
  const std::int64_t r = static_cast<std::int64_t>(blockIdx.x) * cuda::block_warps + warp();
  if (r >= rows) return;
  for (int part = 0; part < parts; ++part) {
    Sum before = 0;
    for (std::int64_t first = 0; first < columns; first += warp_size) {
      const std::int64_t c = first + lane(), at = (r * columns + c) * parts + part;
      const Sum total = before + sum_so_far(c < columns ? Sum(x[at]) : Sum(0));
      if (c < columns) y[at] = R(total);
      before = __shfl_sync(cuda::whole_warp, total, warp_size - 1);
    }
  }
}

}  // namespace

template <class T>
void cumsum_rows(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  using R = real_type<T>;
  const auto blocks = static_cast<unsigned>((rows + cuda::block_warps - 1) / cuda::block_warps);
  cuda::launch("cumsum", cumsum_kernel<accumulator_type<R>, R>, blocks, cuda::block_threads, 0, rows, columns,
               is_complex_type<T> ? 2 : 1, reinterpret_cast<const R*>(x), reinterpret_cast<R*>(y));
}

#define CUMSUM(T) template void cumsum_rows<T>(Cuda, std::int64_t, std::int64_t, const T*, T*);
CUMSUM(float)
CUMSUM(double)
CUMSUM(c64)
CUMSUM(c128)

}  // namespace lrurec::ops::kernels
