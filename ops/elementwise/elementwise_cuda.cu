#include "ops/elementwise/kernels.h"
#include "ops/elementwise/rows.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"
#include "tensor/cuda/strided.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::element, cuda::elements, cuda::global_thread, cuda::grid_threads, cuda::Strided;

// One thread an element; consecutive threads take consecutive elements of the output.
template <int N, class F, class T>
__device__ void for_each(const Strided<N>& walk, F&& f, T* out) {
  for (std::int64_t i = global_thread(); i < walk.count(); i += grid_threads()) {
    const auto at = walk.offsets(i);
    out[at[0]] = f(at);
  }
}

template <class Row, class T>
__global__ void forward(Strided<2> walk, T* out, const T* x) {
  for_each(
      walk, [=](const auto& at) { return Row::f(x[at[1]]); }, out);
}

template <class Row, class T>
__global__ void backward(Strided<4> walk, T* dx, const T* dy, const T* x, const T* y) {
  for_each(
      walk, [=](const auto& at) { return dy[at[1]] * cuda::conjugate(Row::df(x[at[2]], y[at[3]])); }, dx);
}

template <class Row, class T>
__global__ void forward(Strided<3> walk, T* out, const T* a, const T* b) {
  for_each(
      walk, [=](const auto& at) { return Row::f(a[at[1]], b[at[2]]); }, out);
}

template <class Row, class T>
__global__ void backward_a(Strided<4> walk, T* da, const T* dy, const T* a, const T* b) {
  for_each(
      walk, [=](const auto& at) { return dy[at[1]] * cuda::conjugate(Row::dfa(a[at[2]], b[at[3]])); }, da);
}

template <class Row, class T>
__global__ void backward_b(Strided<4> walk, T* db, const T* dy, const T* a, const T* b) {
  for_each(
      walk, [=](const auto& at) { return dy[at[1]] * cuda::conjugate(Row::dfb(a[at[2]], b[at[3]])); }, db);
}

template <int N, class K, class... P>
void launch(const char* name, K kernel, const StridedLoop<N>& loop, P... pointers) {
  const Strided<N> walk(loop);
  cuda::launch(name, kernel, cuda::blocks_for(walk.count()), cuda::block_threads, 0, walk,
               elements(pointers)...);
}

}  // namespace

template <class Row, class T>
void unary_forward(Cuda, const StridedLoop<2>& loop, T* out, const T* x) {
  void (*kernel)(Strided<2>, element<T>*, const element<T>*) = forward<Row>;
  launch<2>(Row::name, kernel, loop, out, x);
}

template <class Row, class T>
void unary_backward(Cuda, const StridedLoop<4>& loop, T* dx, const T* dy, const T* x, const T* y) {
  launch<4>(Row::name, backward<Row, element<T>>, loop, dx, dy, x, y);
}

template <class Row, class T>
void binary_forward(Cuda, const StridedLoop<3>& loop, T* out, const T* a, const T* b) {
  void (*kernel)(Strided<3>, element<T>*, const element<T>*, const element<T>*) = forward<Row>;
  launch<3>(Row::name, kernel, loop, out, a, b);
}

template <class Row, class T>
void binary_backward_a(Cuda, const StridedLoop<4>& loop, T* da, const T* dy, const T* a, const T* b) {
  launch<4>(Row::name, backward_a<Row, element<T>>, loop, da, dy, a, b);
}

template <class Row, class T>
void binary_backward_b(Cuda, const StridedLoop<4>& loop, T* db, const T* dy, const T* a, const T* b) {
  launch<4>(Row::name, backward_b<Row, element<T>>, loop, db, dy, a, b);
}

#define UNARY_KERNELS(ROW, T)                                                                         \
  template void unary_forward<formulas::ROW, T>(Cuda, const StridedLoop<2>&, T*, const T*);           \
  template void unary_backward<formulas::ROW, T>(Cuda, const StridedLoop<4>&, T*, const T*, const T*, \
                                                 const T*);
#define UNARY(NAME, KINDS, VALUES, F, DF) LRUREC_TYPES_OF_##KINDS(UNARY_KERNELS, NAME##_row)
#include "ops/elementwise/unary.inc"

#define BINARY_KERNELS(ROW, T)                                                                           \
  template void binary_forward<formulas::ROW, T>(Cuda, const StridedLoop<3>&, T*, const T*, const T*);   \
  template void binary_backward_a<formulas::ROW, T>(Cuda, const StridedLoop<4>&, T*, const T*, const T*, \
                                                    const T*);                                           \
  template void binary_backward_b<formulas::ROW, T>(Cuda, const StridedLoop<4>&, T*, const T*, const T*, \
                                                    const T*);
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) LRUREC_TYPES_OF_##KINDS(BINARY_KERNELS, NAME##_row)
#include "ops/elementwise/binary.inc"

}  // namespace lrurec::ops::kernels
