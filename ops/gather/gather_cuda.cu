#include "ops/gather/kernels.h"
#include "ops/primitives/scatter_runs_cuda.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads;

// One thread an element of the index.
template <class E>
__global__ void gather_kernel(Places at, const E* x, E* y) {
  for (std::int64_t j = global_thread(); j < at.rows * at.taken; j += grid_threads()) {
    y[j] = x[j / at.taken * at.size + at.index[j]];
  }
}

// Where each element goes in the whole of y.
__global__ void places_kernel(Places at, std::int64_t* ids) {
  for (std::int64_t j = global_thread(); j < at.rows * at.taken; j += grid_threads()) {
    ids[j] = j / at.taken * at.size + at.index[j];
  }
}

template <class E>
struct Elements {
  const E* source;
  __device__ E operator()(std::int64_t j, std::int64_t) const { return source[j]; }
};

}  // namespace

template <class T>
void gather(Cuda, const Places& at, const T* x, T* y) {
  cuda::launch("gather", gather_kernel<element<T>>, cuda::blocks_for(at.rows * at.taken), 256, 0, at,
               elements(x), elements(y));
}

template <class T>
void scatter_add(Cuda, const Places& at, const T* source, T* y) {
  const std::int64_t n = at.rows * at.taken;
  if (n == 0) return;
  const cuda::Scratch<std::int64_t> ids(n);
  cuda::launch("scatter_add", places_kernel, cuda::blocks_for(n), 256, 0, at, ids.data());
  cuda::add_runs("scatter_add", n, at.rows * at.size, 1, ids.data(), Elements<element<T>>{elements(source)},
                 elements(y));
}

#define GATHER(T)                                             \
  template void gather<T>(Cuda, const Places&, const T*, T*); \
  template void scatter_add<T>(Cuda, const Places&, const T*, T*);
GATHER(float)
GATHER(double)
GATHER(c64)
GATHER(c128)

}  // namespace lrurec::ops::kernels
