#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "ops/reduce/kernels.h"
#include "tensor/dtype.h"
#include "tensor/parallel_for.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

namespace {

/// The sum in several chains, since in one chain each addition waits for the one before.
template <class T>
accumulator_type<T> sum_of(const T* x, std::int64_t n) {
  using Sum = accumulator_type<T>;
  constexpr std::int64_t chains = 16;
  std::array<Sum, chains> total{};
  std::int64_t i = 0;
  for (; i + chains <= n; i += chains) {
    for (std::int64_t c = 0; c < chains; ++c) total[static_cast<std::size_t>(c)] += Sum(x[i + c]);
  }
  Sum whole{};
  for (const Sum& chain : total) whole += chain;
  for (; i < n; ++i) whole += Sum(x[i]);
  return whole;
}

/// The sum of one long row: blocks of a fixed size, joined in order, so that the number of threads changes
/// nothing.
template <class T>
T sum_of_all(const T* x, std::int64_t n, double divisor) {
  using Sum = accumulator_type<T>;
  constexpr std::int64_t block = 1 << 14;
  const std::int64_t blocks = (n + block - 1) / block;
  std::vector<Sum> partial(static_cast<std::size_t>(blocks));
  parallel_for(blocks, blocks > 1 && n > parallel_grain, [&](std::int64_t b) {
    partial[static_cast<std::size_t>(b)] = sum_of(x + b * block, std::min(block, n - b * block));
  });
  Sum total{};
  for (const Sum& one : partial) total += one;
  return T(total / divisor);
}

}  // namespace

template <class T>
void sum_rows(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor) {
  if (rows == 1) {
    out[0] = sum_of_all(x, columns, divisor);
    return;
  }
  parallel_for(rows, rows * columns > parallel_grain,
               [&](std::int64_t r) { out[r] = T(sum_of(x + r * columns, columns) / divisor); });
}

template <class T>
void sum_columns(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* out, double divisor) {
  if (columns == 1) {
    out[0] = sum_of_all(x, rows, divisor);
    return;
  }
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
    out[c] = T(total / divisor);
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

#define SUMS(T)                                                                     \
  template void sum_rows<T>(Cpu, std::int64_t, std::int64_t, const T*, T*, double); \
  template void sum_columns<T>(Cpu, std::int64_t, std::int64_t, const T*, T*, double);
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
