#include "ops/compare/kernels.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {

template <class Relation, class T>
void compare(Cpu, const StridedLoop<3>& loop, bool* out, const T* a, const T* b) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[at[0] + i * step[0]] = Relation()(a[at[1] + i * step[1]], b[at[2] + i * step[2]]);
    }
  });
}

#define COMPARE(RELATION, T) \
  template void compare<RELATION, T>(Cpu, const StridedLoop<3>&, bool*, const T*, const T*);
LRUREC_EQUALITIES(COMPARE, bool)
LRUREC_RELATIONS(COMPARE, std::int32_t)
LRUREC_RELATIONS(COMPARE, std::int64_t)
LRUREC_RELATIONS(COMPARE, float)
LRUREC_RELATIONS(COMPARE, double)
LRUREC_EQUALITIES(COMPARE, c64)
LRUREC_EQUALITIES(COMPARE, c128)

}  // namespace lrurec::ops::kernels
