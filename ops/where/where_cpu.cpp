#include "ops/where/kernels.h"
#include "tensor/dtype.h"

namespace lrurec::ops::kernels {

template <class T>
void where(Cpu, const StridedLoop<4>& loop, T* out, const bool* condition, const T* a, const T* b) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[at[0] + i * step[0]] =
          condition[at[1] + i * step[1]] ? a[at[2] + i * step[2]] : b[at[3] + i * step[3]];
    }
  });
}

#define WHERE(T) template void where<T>(Cpu, const StridedLoop<4>&, T*, const bool*, const T*, const T*);
WHERE(bool)
WHERE(std::int32_t)
WHERE(std::int64_t)
WHERE(float)
WHERE(double)
WHERE(c64)
WHERE(c128)

}  // namespace lrurec::ops::kernels
