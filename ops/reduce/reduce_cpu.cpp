#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/reduce/kernels.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::cpu {

template <class T>
void sum_rows(std::int64_t rows, std::int64_t columns, const T* x, T* out) {
  using Sum = accumulator_type<T>;
#pragma omp parallel for schedule(static) if (rows > 1 && rows * columns > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    Sum total{};
    for (std::int64_t c = 0; c < columns; ++c) total += Sum(x[r * columns + c]);
    out[r] = T(total);
  }
}

template <class T>
void sum_columns(std::int64_t rows, std::int64_t columns, const T* x, T* out) {
  using Sum = accumulator_type<T>;
  constexpr std::int64_t block = 512;
  const std::int64_t blocks = std::max<std::int64_t>((rows + block - 1) / block, 1);
  std::vector<Sum> partial(static_cast<std::size_t>(blocks * columns));
#pragma omp parallel for schedule(static) if (blocks > 1 && rows * columns > parallel_grain)
  for (std::int64_t b = 0; b < blocks; ++b) {
    Sum* total = partial.data() + b * columns;
    for (std::int64_t r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      for (std::int64_t c = 0; c < columns; ++c) total[c] += Sum(x[r * columns + c]);
    }
  }
  for (std::int64_t c = 0; c < columns; ++c) {
    Sum total{};
    for (std::int64_t b = 0; b < blocks; ++b) total += partial[static_cast<std::size_t>(b * columns + c)];
    out[c] = T(total);
  }
}

template <class T>
void argmax_rows(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t* index) {
#pragma omp parallel for schedule(static) if (rows > 1 && rows * columns > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = x + r * columns;
    std::int64_t best = 0;
    for (std::int64_t c = 1; c < columns && !std::isnan(row[best]); ++c) {
      if (row[c] > row[best] || std::isnan(row[c])) best = c;
    }
    index[r] = best;
  }
}

#define SUMS(T)                                                        \
  template void sum_rows<T>(std::int64_t, std::int64_t, const T*, T*); \
  template void sum_columns<T>(std::int64_t, std::int64_t, const T*, T*);
SUMS(float)
SUMS(double)
SUMS(c64)
SUMS(c128)
template void argmax_rows<float>(std::int64_t, std::int64_t, const float*, std::int64_t*);
template void argmax_rows<double>(std::int64_t, std::int64_t, const double*, std::int64_t*);

}  // namespace lrurec::ops::cpu
