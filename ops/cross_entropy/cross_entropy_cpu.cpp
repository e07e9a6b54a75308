#include <algorithm>

#include "ops/cross_entropy/kernels.h"
#include "ops/primitives/simd.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void cross_entropy_mean(Cpu, std::int64_t rows, std::int64_t columns, const T* x, const std::int64_t* labels,
                        const RowLogSum<T>* lse, std::int64_t count, T* value) {
  double total = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    if (labels[r] >= 0)
      total += static_cast<double>((lse[r].largest - x[r * columns + labels[r]]) + lse[r].log_sum);
  }
  *value = static_cast<T>(total / static_cast<double>(count));
}

template <class T>
void cross_entropy_backward(Cpu, std::int64_t rows, std::int64_t columns, const T* x,
                            const std::int64_t* labels, const RowLogSum<T>* lse, const T* dL,
                            std::int64_t count, T* dx) {
  const T scale = *dL / static_cast<T>(count);
#pragma omp parallel for schedule(static) if (rows > 1 && rows * columns > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    T* out = dx + r * columns;
    if (labels[r] < 0) {
      std::fill_n(out, columns, T(0));
      continue;
    }
    map(
        columns, out,
        [sums = lse[r], scale](const auto& v) {
          using V = std::decay_t<decltype(v)>;
          return xsimd::exp((v - V(sums.largest)) - V(sums.log_sum)) * V(scale);
        },
        Strided<T>{x + r * columns, 1});
    out[labels[r]] -= scale;
  }
}

#define CROSS_ENTROPY(T)                                                                                  \
  template void cross_entropy_mean<T>(Cpu, std::int64_t, std::int64_t, const T*, const std::int64_t*,     \
                                      const RowLogSum<T>*, std::int64_t, T*);                             \
  template void cross_entropy_backward<T>(Cpu, std::int64_t, std::int64_t, const T*, const std::int64_t*, \
                                          const RowLogSum<T>*, const T*, std::int64_t, T*);
CROSS_ENTROPY(float)
CROSS_ENTROPY(double)

}  // namespace lrurec::ops::kernels
