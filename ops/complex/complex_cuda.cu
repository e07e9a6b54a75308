#include <cmath>

#include "ops/complex/direction.h"
#include "ops/complex/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/strided.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::Strided;

template <class E>
__device__ auto length(const E& z) {
  if constexpr (cuda::is_complex_element<E>) {
    return hypot(z.real(), z.imag());
  } else {
    return fabs(z);
  }
}

// One thread an element.
template <class E, class R>
__global__ void abs_kernel(Strided<2> walk, R* out, const E* z) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    out[at[0]] = length(z[at[1]]);
  }
}

template <class E, class R>
__global__ void abs_backward_kernel(Strided<3> walk, E* dz, const R* dy, const E* z) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    const E x = z[at[2]];
    const R size = length(x);
    dz[at[0]] = direction(x, size) * dy[at[1]];
  }
}

template <class E, class R>
__global__ void angle_kernel(Strided<2> walk, R* out, const E* z) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    out[at[0]] = angle_of<R>(z[at[1]]);
  }
}

template <class E, class R>
__global__ void angle_backward_kernel(Strided<3> walk, E* dz, const R* dy, const E* z) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    const E x = z[at[2]];
    const R size = length(x);
    dz[at[0]] = turn(x, size) * dy[at[1]];
  }
}

}  // namespace

template <class T>
void abs_forward(Cuda, const StridedLoop<2>& loop, real_type<T>* out, const T* z) {
  const Strided<2> walk(loop);
  cuda::launch("abs", abs_kernel<element<T>, real_type<T>>, cuda::blocks_for(walk.count()),
               cuda::block_threads, 0, walk, out, elements(z));
}

template <class T>
void abs_backward(Cuda, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z) {
  const Strided<3> walk(loop);
  cuda::launch("abs", abs_backward_kernel<element<T>, real_type<T>>, cuda::blocks_for(walk.count()),
               cuda::block_threads, 0, walk, elements(dz), dy, elements(z));
}

template <class T>
void angle_forward(Cuda, const StridedLoop<2>& loop, real_type<T>* out, const T* z) {
  const Strided<2> walk(loop);
  cuda::launch("angle", angle_kernel<element<T>, real_type<T>>, cuda::blocks_for(walk.count()),
               cuda::block_threads, 0, walk, out, elements(z));
}

template <class T>
void angle_backward(Cuda, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z) {
  const Strided<3> walk(loop);
  cuda::launch("angle", angle_backward_kernel<element<T>, real_type<T>>, cuda::blocks_for(walk.count()),
               cuda::block_threads, 0, walk, elements(dz), dy, elements(z));
}

#define POLAR(T)                                                                                 \
  template void abs_forward<T>(Cuda, const StridedLoop<2>&, real_type<T>*, const T*);            \
  template void abs_backward<T>(Cuda, const StridedLoop<3>&, T*, const real_type<T>*, const T*); \
  template void angle_forward<T>(Cuda, const StridedLoop<2>&, real_type<T>*, const T*);          \
  template void angle_backward<T>(Cuda, const StridedLoop<3>&, T*, const real_type<T>*, const T*);
POLAR(float)
POLAR(double)
POLAR(c64)
POLAR(c128)

}  // namespace lrurec::ops::kernels
