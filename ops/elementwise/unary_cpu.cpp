#include "ops/elementwise/kernels.h"
#include "ops/elementwise/rows.h"
#include "ops/primitives/simd.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {

template <class Row, class T>
void unary_forward(Cpu, const StridedLoop<2>& loop, T* out, const T* x) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    map(
        n, out + at[0], [](const auto& v) { return Row::f(v); }, Strided<T>{x + at[1], step[1]});
  });
}

template <class Row, class T>
void unary_backward(Cpu, const StridedLoop<4>& loop, T* dx, const T* dy, const T* x, const T* y) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    map(
        n, dx + at[0],
        [](const auto& g, const auto& v, const auto& w) { return g * conjugate(Row::df(v, w)); },
        Strided<T>{dy + at[1], step[1]}, Strided<T>{x + at[2], step[2]}, Strided<T>{y + at[3], step[3]});
  });
}

#define UNARY_KERNELS(ROW, T)                                                                        \
  template void unary_forward<formulas::ROW, T>(Cpu, const StridedLoop<2>&, T*, const T*);           \
  template void unary_backward<formulas::ROW, T>(Cpu, const StridedLoop<4>&, T*, const T*, const T*, \
                                                 const T*);
#define UNARY(NAME, KINDS, VALUES, F, DF) LRUREC_TYPES_OF_##KINDS(UNARY_KERNELS, NAME##_row)
#include "ops/elementwise/unary.inc"

}  // namespace lrurec::ops::kernels
