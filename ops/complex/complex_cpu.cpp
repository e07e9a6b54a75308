#include <cmath>

#include "ops/complex/direction.h"
#include "ops/complex/kernels.h"

namespace lrurec::ops::kernels {

template <class T>
void abs_forward(Cpu, const StridedLoop<2>& loop, real_type<T>* out, const T* z) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) out[at[0] + i * step[0]] = std::abs(z[at[1] + i * step[1]]);
  });
}

template <class T>
void abs_backward(Cpu, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      const T x = z[at[2] + i * step[2]];
      const real_type<T> length = std::abs(x);
      dz[at[0] + i * step[0]] = direction(x, length) * dy[at[1] + i * step[1]];
    }
  });
}

template <class T>
void angle_forward(Cpu, const StridedLoop<2>& loop, real_type<T>* out, const T* z) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[at[0] + i * step[0]] = angle_of<real_type<T>>(z[at[1] + i * step[1]]);
    }
  });
}

template <class T>
void angle_backward(Cpu, const StridedLoop<3>& loop, T* dz, const real_type<T>* dy, const T* z) {
  const auto step = loop.inner_strides;
  loop.run([&](const auto& at, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      const T x = z[at[2] + i * step[2]];
      const real_type<T> length = std::abs(x);
      dz[at[0] + i * step[0]] = turn(x, length) * dy[at[1] + i * step[1]];
    }
  });
}

#define POLAR(T)                                                                                \
  template void abs_forward<T>(Cpu, const StridedLoop<2>&, real_type<T>*, const T*);            \
  template void abs_backward<T>(Cpu, const StridedLoop<3>&, T*, const real_type<T>*, const T*); \
  template void angle_forward<T>(Cpu, const StridedLoop<2>&, real_type<T>*, const T*);          \
  template void angle_backward<T>(Cpu, const StridedLoop<3>&, T*, const real_type<T>*, const T*);
POLAR(float)
POLAR(double)
POLAR(c64)
POLAR(c128)

}  // namespace lrurec::ops::kernels
