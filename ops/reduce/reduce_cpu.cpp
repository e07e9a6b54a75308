#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/reduce/kernels.h"
#include "tensor/dtype.h"
#include "tensor/parallel_for.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

template <class T>
void sum_rows(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* out) {
  using Sum = accumulator_type<T>;
  parallel_for(rows, rows > 1 && rows * columns > parallel_grain, [&](std::int64_t r) {
    Sum total{};
    for (std::int64_t c = 0; c < columns; ++c) total += Sum(x[r * columns + c]);
    out[r] = T(total);
  });
}

template <class T>
void sum_columns(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* out) {
  using Sum = accumulator_type<T>;
  constexpr std::int64_t block = 512;
  const std::int64_t blocks = std::max<std::int64_t>((rows + block - 1) / block, 1);
  std::vector<Sum> partial(static_cast<std::size_t>(blocks * columns));
  parallel_for(blocks, blocks > 1 && rows * columns > parallel_grain, [&](std::int64_t b) {
    Sum* total = partial.data() + b * columns;
    for (std::int64_t r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      for (std::int64_t c = 0; c < columns; ++c) total[c] += Sum(x[r * columns + c]);
    }
  });
  for (std::int64_t c = 0; c < columns; ++c) {
    Sum total{};
    for (std::int64_t b = 0; b < blocks; ++b) total += partial[static_cast<std::size_t>(b * columns + c)];
    out[c] = T(total);
  }
}

template <class T>
void argmax_rows(Cpu, std::int64_t rows, std::int64_t columns, const T* x, std::int64_t* index) {
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

template <class T>
void gather_chosen(Cpu, const Chosen& chosen, const T* x, T* y) {
  for (std::int64_t r = 0; r < chosen.rows; ++r) y[r] = x[chosen.position(r)];
}

template <class T>
void scatter_chosen(Cpu, const Chosen& chosen, const T* dy, T* dx) {
  for (std::int64_t r = 0; r < chosen.rows; ++r) dx[chosen.position(r)] = dy[r];
}

#define SUMS(T)                                                             \
  template void sum_rows<T>(Cpu, std::int64_t, std::int64_t, const T*, T*); \
  template void sum_columns<T>(Cpu, std::int64_t, std::int64_t, const T*, T*);
SUMS(float)
SUMS(double)
SUMS(c64)
SUMS(c128)

#define CHOICES(T)                                                                        \
  template void argmax_rows<T>(Cpu, std::int64_t, std::int64_t, const T*, std::int64_t*); \
  template void gather_chosen<T>(Cpu, const Chosen&, const T*, T*);                       \
  template void scatter_chosen<T>(Cpu, const Chosen&, const T*, T*);
CHOICES(float)
CHOICES(double)

}  // namespace lrurec::ops::kernels
