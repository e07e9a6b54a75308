#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "ops/top_k/kernels.h"
#include "tensor/parallel_errors.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void top_k(Cpu, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* x, std::int64_t* indices,
           T* values) {
  ParallelErrors errors;
#pragma omp parallel for schedule(static) if (rows > 1 && rows * columns > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    errors.attempt([&] {
      const T* row = x + r * columns;
      // A strict weak order even with NaN: NaN ranks above every number, as it is the maximum.
      const auto ahead = [row](std::int64_t a, std::int64_t b) {
        const bool nan_a = std::isnan(row[a]), nan_b = std::isnan(row[b]);
        if (nan_a != nan_b) return nan_a;
        if (!nan_a && row[a] != row[b]) return row[a] > row[b];
        return a < b;
      };
      std::vector<std::int64_t> order(static_cast<std::size_t>(columns));
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + k, order.end(), ahead);
      for (std::int64_t j = 0; j < k; ++j) {
        indices[r * k + j] = order[static_cast<std::size_t>(j)];
        values[r * k + j] = row[order[static_cast<std::size_t>(j)]];
      }
    });
  }
  errors.rethrow();
}

template <class T>
void scatter_rows(Cpu, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* dy,
                  const std::int64_t* indices, T* dx) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t j = 0; j < k; ++j) dx[r * columns + indices[r * k + j]] = dy[r * k + j];
  }
}

#define TOP_K(T)                                                                                      \
  template void top_k<T>(Cpu, std::int64_t, std::int64_t, std::int64_t, const T*, std::int64_t*, T*); \
  template void scatter_rows<T>(Cpu, std::int64_t, std::int64_t, std::int64_t, const T*,              \
                                const std::int64_t*, T*);
TOP_K(float)
TOP_K(double)

}  // namespace lrurec::ops::kernels
