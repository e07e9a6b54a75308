#include <algorithm>

#include "ops/embedding/kernels.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void gather_rows(Cpu, std::int64_t n, std::int64_t width, const T* weight, const std::int64_t* ids, T* out) {
#pragma omp parallel for schedule(static) if (n * width > parallel_grain)
  for (std::int64_t t = 0; t < n; ++t) std::copy_n(weight + ids[t] * width, width, out + t * width);
}

// The table is cut into ranges of rows. The thread of a range looks at all ids and adds the rows of its
// range.
template <class T>
void scatter_add_rows(Cpu, std::int64_t n, std::int64_t width, std::int64_t N, const T* rows,
                      const std::int64_t* ids, T* total) {
  constexpr std::int64_t ranges = 8;
#pragma omp parallel for schedule(static) if (n * width > parallel_grain)
  for (std::int64_t range = 0; range < ranges; ++range) {
    const std::int64_t first = N * range / ranges, last = N * (range + 1) / ranges;
    for (std::int64_t t = 0; t < n; ++t) {
      if (ids[t] < first || ids[t] >= last) continue;
      T* to = total + ids[t] * width;
      const T* from = rows + t * width;
      for (std::int64_t c = 0; c < width; ++c) to[c] += from[c];
    }
  }
}

#define EMBEDDING(T)                                                                                \
  template void gather_rows<T>(Cpu, std::int64_t, std::int64_t, const T*, const std::int64_t*, T*); \
  template void scatter_add_rows<T>(Cpu, std::int64_t, std::int64_t, std::int64_t, const T*,        \
                                    const std::int64_t*, T*);
EMBEDDING(float)
EMBEDDING(double)
EMBEDDING(c64)
EMBEDDING(c128)

}  // namespace lrurec::ops::kernels
