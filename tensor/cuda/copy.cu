// Fill, copy, convert and add on strided operands: a thread takes one element after the other, by strides of
// the grid.

#include "tensor/copy_kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/scratch.h"
#include "tensor/cuda/strided.h"

namespace lrurec::kernels {
namespace {

using cuda::blocks_for, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::Strided;

template <class To, class From>
__device__ To convert(const From& x) {
  if constexpr (cuda::is_complex_element<To>) {
    using R = decltype(To().real());
    if constexpr (cuda::is_complex_element<From>) {
      return To(static_cast<R>(x.real()), static_cast<R>(x.imag()));
    } else {
      return To(static_cast<R>(x), R(0));
    }
  } else {
    return static_cast<To>(x);
  }
}

template <class T>
__global__ void fill_kernel(Strided<1> walk, T* to, T value) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads())
    to[walk.offsets(i)[0]] = value;
}

template <class To, class From>
__global__ void copy_kernel(Strided<2> walk, To* to, const From* from) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    to[at[0]] = convert<To>(from[at[1]]);
  }
}

template <class To, class From>
__global__ void holds_kernel(Strided<1> walk, const From* from, std::int32_t* missed) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    if (!holds_number<To>(from[walk.offsets(i)[0]])) atomicOr(missed, 1);
  }
}

template <class T>
__global__ void add_kernel(Strided<2> walk, T* to, const T* from) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    to[at[0]] += from[at[1]];
  }
}

}  // namespace

template <class T>
void fill(Cuda, const StridedLoop<1>& loop, T* to, T value) {
  const Strided<1> walk(loop);
  cuda::launch("fill", fill_kernel<cuda::element<T>>, blocks_for(walk.count()), cuda::block_threads, 0, walk,
               elements(to), cuda::as_element(value));
}

template <class To, class From>
void copy(Cuda, const StridedLoop<2>& loop, To* to, const From* from) {
  const Strided<2> walk(loop);
  cuda::launch("copy", copy_kernel<cuda::element<To>, cuda::element<From>>, blocks_for(walk.count()),
               cuda::block_threads, 0, walk, elements(to), elements(from));
}

template <class To, class From>
bool holds(Cuda, const StridedLoop<1>& loop, const From* from) {
  const Strided<1> walk(loop);
  const cuda::Scratch<std::int32_t> missed(1);
  cuda::fill_zero(missed.data(), sizeof(std::int32_t));
  cuda::launch("copy", holds_kernel<To, From>, blocks_for(walk.count()), cuda::block_threads, 0, walk, from,
               missed.data());
  std::int32_t any = 0;
  cuda::to_host(&any, missed.data(), sizeof any);
  return any == 0;
}

template <class T>
void add(Cuda, const StridedLoop<2>& loop, T* to, const T* from) {
  const Strided<2> walk(loop);
  cuda::launch("add", add_kernel<cuda::element<T>>, blocks_for(walk.count()), cuda::block_threads, 0, walk,
               elements(to), elements(from));
}

#define COPY(To, From) template void copy(Cuda, const StridedLoop<2>&, To*, const From*)
#define COPY_REALS(To)    \
  COPY(To, bool);         \
  COPY(To, std::int32_t); \
  COPY(To, std::int64_t); \
  COPY(To, float);        \
  COPY(To, double)
#define HOLDS(From)                                                            \
  template bool holds<std::int32_t>(Cuda, const StridedLoop<1>&, const From*); \
  template bool holds<std::int64_t>(Cuda, const StridedLoop<1>&, const From*)
#define FILL(T) template void fill(Cuda, const StridedLoop<1>&, T*, T)
#define ADD(T) template void add(Cuda, const StridedLoop<2>&, T*, const T*)
COPY_REALS(bool);
COPY_REALS(std::int32_t);
COPY_REALS(std::int64_t);
COPY_REALS(float);
COPY_REALS(double);
COPY_REALS(c64);
COPY_REALS(c128);
COPY(c64, c64);
COPY(c64, c128);
COPY(c128, c64);
COPY(c128, c128);
template bool holds<std::int32_t>(Cuda, const StridedLoop<1>&, const std::int64_t*);
HOLDS(float);
HOLDS(double);
FILL(bool);
FILL(std::int32_t);
FILL(std::int64_t);
FILL(float);
FILL(double);
FILL(c64);
FILL(c128);
ADD(float);
ADD(double);
ADD(c64);
ADD(c128);

}  // namespace lrurec::kernels
