#include "ops/compare/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/strided.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::Strided;

// One thread an element.
template <class Relation, class E>
__global__ void relation_kernel(Strided<3> walk, bool* out, const E* a, const E* b) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    out[at[0]] = Relation()(a[at[1]], b[at[2]]);
  }
}

}  // namespace

template <class Relation, class T>
void compare(Cuda, const StridedLoop<3>& loop, bool* out, const T* a, const T* b) {
  const Strided<3> walk(loop);
  cuda::launch(Relation::name, relation_kernel<Relation, element<T>>, cuda::blocks_for(walk.count()),
               cuda::block_threads, 0, walk, out, elements(a), elements(b));
}

#define COMPARE(RELATION, T) \
  template void compare<RELATION, T>(Cuda, const StridedLoop<3>&, bool*, const T*, const T*);
LRUREC_EQUALITIES(COMPARE, bool)
LRUREC_RELATIONS(COMPARE, std::int32_t)
LRUREC_RELATIONS(COMPARE, std::int64_t)
LRUREC_RELATIONS(COMPARE, float)
LRUREC_RELATIONS(COMPARE, double)
LRUREC_EQUALITIES(COMPARE, c64)
LRUREC_EQUALITIES(COMPARE, c128)

}  // namespace lrurec::ops::kernels
