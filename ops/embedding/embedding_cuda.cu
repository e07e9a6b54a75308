#include <algorithm>
#include <bit>

#include "ops/embedding/kernels.h"
#include "ops/primitives/scatter_runs_cuda.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::warp_size;

struct alignas(16) Bytes16 {
  std::uint64_t low, high;
};

// Threads with the same threadIdx.y copy one row, unit by unit.
template <class Unit>
__global__ void embedding_kernel(std::int64_t n, std::int64_t units, const Unit* weight,
                                 const std::int64_t* ids, Unit* out) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.y;
  for (std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y; t < n; t += step) {
    const Unit* from = weight + ids[t] * units;
    for (std::int64_t u = threadIdx.x; u < units; u += blockDim.x) out[t * units + u] = from[u];
  }
}

template <class Unit>
void launch_gather(std::int64_t n, std::int64_t units, const Unit* weight, const std::int64_t* ids,
                   Unit* out) {
  const auto across = std::bit_ceil(static_cast<unsigned>(std::clamp<std::int64_t>(units, 1, warp_size)));
  const dim3 block(across, cuda::block_threads / across);
  cuda::launch("embedding", embedding_kernel<Unit>, cuda::blocks_for(n, static_cast<int>(block.y)), block, 0,
               n, units, weight, ids, out);
}

/// Row t of a dense [n, width].
template <class E>
struct DenseRow {
  const E* rows;
  std::int64_t width;
  __device__ E operator()(std::int64_t t, std::int64_t column) const { return rows[t * width + column]; }
};

}  // namespace

template <class T>
void gather_rows(Cuda, std::int64_t n, std::int64_t width, const T* weight, const std::int64_t* ids, T* out) {
  constexpr std::int64_t unit = sizeof(Bytes16);
  const std::int64_t row_bytes = width * static_cast<std::int64_t>(sizeof(T));
  const auto aligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % unit == 0; };
  if (row_bytes % unit == 0 && aligned(weight) && aligned(out)) {
    launch_gather(n, row_bytes / unit, reinterpret_cast<const Bytes16*>(weight), ids,
                  reinterpret_cast<Bytes16*>(out));
  } else {
    launch_gather(n, width, elements(weight), ids, elements(out));
  }
}

template <class T>
void scatter_add_rows(Cuda, std::int64_t n, std::int64_t width, std::int64_t N, const T* rows,
                      const std::int64_t* ids, T* total) {
  using E = element<T>;
  cuda::add_runs("embedding", n, N, width, ids, DenseRow<E>{elements(rows), width}, elements(total));
}

#define EMBEDDING(T)                                                                                 \
  template void gather_rows<T>(Cuda, std::int64_t, std::int64_t, const T*, const std::int64_t*, T*); \
  template void scatter_add_rows<T>(Cuda, std::int64_t, std::int64_t, std::int64_t, const T*,        \
                                    const std::int64_t*, T*);
EMBEDDING(float)
EMBEDDING(double)
EMBEDDING(c64)
EMBEDDING(c128)

}  // namespace lrurec::ops::kernels
