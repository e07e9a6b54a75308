#include "ops/gather/kernels.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void gather(Cpu, const Places& at, const T* x, T* y) {
#pragma omp parallel for schedule(static) if (at.rows > 1 && at.rows * at.taken > parallel_grain)
  for (std::int64_t r = 0; r < at.rows; ++r) {
    for (std::int64_t j = r * at.taken; j < (r + 1) * at.taken; ++j) y[j] = x[r * at.size + at.index[j]];
  }
}

// All additions to a row are made by one thread.
template <class T>
void scatter_add(Cpu, const Places& at, const T* source, T* y) {
#pragma omp parallel for schedule(static) if (at.rows > 1 && at.rows * at.taken > parallel_grain)
  for (std::int64_t r = 0; r < at.rows; ++r) {
    for (std::int64_t j = r * at.taken; j < (r + 1) * at.taken; ++j)
      y[r * at.size + at.index[j]] += source[j];
  }
}

#define GATHER(T)                                            \
  template void gather<T>(Cpu, const Places&, const T*, T*); \
  template void scatter_add<T>(Cpu, const Places&, const T*, T*);
GATHER(float)
GATHER(double)
GATHER(c64)
GATHER(c128)

}  // namespace lrurec::ops::kernels
