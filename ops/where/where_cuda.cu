#include "ops/where/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/strided.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::Strided;

// One thread an element.
template <class E>
__global__ void where_kernel(Strided<4> walk, E* out, const bool* condition, const E* a, const E* b) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    out[at[0]] = condition[at[1]] ? a[at[2]] : b[at[3]];
  }
}

}  // namespace

template <class T>
void where(Cuda, const StridedLoop<4>& loop, T* out, const bool* condition, const T* a, const T* b) {
  const Strided<4> walk(loop);
  cuda::launch("where", where_kernel<element<T>>, cuda::blocks_for(walk.count()), cuda::block_threads, 0,
               walk, elements(out), condition, elements(a), elements(b));
}

#define WHERE(T) template void where<T>(Cuda, const StridedLoop<4>&, T*, const bool*, const T*, const T*);
WHERE(bool)
WHERE(std::int32_t)
WHERE(std::int64_t)
WHERE(float)
WHERE(double)
WHERE(c64)
WHERE(c128)

}  // namespace lrurec::ops::kernels
