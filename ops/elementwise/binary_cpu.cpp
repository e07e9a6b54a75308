#include "ops/elementwise/kernels.h"
#include "ops/elementwise/rows.h"
#include "ops/primitives/simd.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {

template <class Row, class T>
void binary_forward(Cpu, const StridedLoop<3>& loop, T* out, const T* a, const T* b) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    map(
        n, out + at[0], [](const auto& u, const auto& v) { return Row::f(u, v); },
        Strided<T>{a + at[1], step[1]}, Strided<T>{b + at[2], step[2]});
  });
}

template <class Row, class T>
void binary_backward_a(Cpu, const StridedLoop<4>& loop, T* da, const T* dy, const T* a, const T* b) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    map(
        n, da + at[0],
        [](const auto& g, const auto& u, const auto& v) { return g * conjugate(Row::dfa(u, v)); },
        Strided<T>{dy + at[1], step[1]}, Strided<T>{a + at[2], step[2]}, Strided<T>{b + at[3], step[3]});
  });
}

template <class Row, class T>
void binary_backward_b(Cpu, const StridedLoop<4>& loop, T* db, const T* dy, const T* a, const T* b) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    map(
        n, db + at[0],
        [](const auto& g, const auto& u, const auto& v) { return g * conjugate(Row::dfb(u, v)); },
        Strided<T>{dy + at[1], step[1]}, Strided<T>{a + at[2], step[2]}, Strided<T>{b + at[3], step[3]});
  });
}

#define BINARY_KERNELS(ROW, T)                                                                          \
  template void binary_forward<formulas::ROW, T>(Cpu, const StridedLoop<3>&, T*, const T*, const T*);   \
  template void binary_backward_a<formulas::ROW, T>(Cpu, const StridedLoop<4>&, T*, const T*, const T*, \
                                                    const T*);                                          \
  template void binary_backward_b<formulas::ROW, T>(Cpu, const StridedLoop<4>&, T*, const T*, const T*, \
                                                    const T*);
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) LRUREC_TYPES_OF_##KINDS(BINARY_KERNELS, NAME##_row)
#include "ops/elementwise/binary.inc"

}  // namespace lrurec::ops::kernels
