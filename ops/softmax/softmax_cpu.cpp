#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/primitives/simd.h"
#include "ops/softmax/kernels.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {
namespace {

template <class T>
T row_max(std::int64_t n, const T* x) {
  T top = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : top)
  for (std::int64_t c = 0; c < n; ++c) top = x[c] > top ? x[c] : top;
  return top;
}

/// sum_c exp(x[c] - shift). Blocks are summed in vectors and then added in double, so that 10^5 classes keep
/// f32's digits.
template <class T>
T sum_exp(std::int64_t n, const T* x, T shift) {
  using Batch = xsimd::batch<T>;
  constexpr auto width = static_cast<std::int64_t>(Batch::size);
  constexpr std::int64_t block = 4096;
  double sum = 0;
  for (std::int64_t start = 0; start < n; start += block) {
    const std::int64_t end = std::min(n, start + block);
    Batch lanes(T(0));
    std::int64_t c = start;
    for (; c + width <= end; c += width) lanes += xsimd::exp(Batch::load_unaligned(x + c) - Batch(shift));
    T total = xsimd::hadd(lanes);
    for (; c < end; ++c) total += std::exp(x[c] - shift);
    sum += static_cast<double>(total);
  }
  return static_cast<T>(sum);
}

/// Largest element (0 when it is not finite) and sum of exp(x - largest), kept apart: their log-sum-exp would
/// swallow the sum where the elements are large.
template <class T>
struct RowSums {
  T shift, sum;
  RowSums(std::int64_t n, const T* x) : shift(row_max(n, x)) {
    const bool infinite = shift == std::numeric_limits<T>::infinity();
    if (!std::isfinite(shift)) shift = T(0);
    // With an infinite element every share is NaN, not only its own.
    sum = infinite ? std::numeric_limits<T>::quiet_NaN() : sum_exp(n, x, shift);
  }
};

template <class T, class Row>
void for_each_row(std::int64_t rows, std::int64_t columns, Row&& row) {
#pragma omp parallel for schedule(static) if (rows > 1 && rows * columns > parallel_grain)
  for (std::int64_t r = 0; r < rows; ++r) row(r);
}

}  // namespace

template <class T>
void log_sum_exp(Cpu, std::int64_t rows, std::int64_t columns, const T* x, RowLogSum<T>* lse) {
  for_each_row<T>(rows, columns, [&](std::int64_t r) {
    const RowSums<T> sums(columns, x + r * columns);
    lse[r] = {sums.shift, std::log(sums.sum)};
  });
}

template <class T>
void softmax_forward(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  for_each_row<T>(rows, columns, [&](std::int64_t r) {
    const T* in = x + r * columns;
    const RowSums<T> sums(columns, in);
    map(
        columns, y + r * columns,
        [shift = sums.shift, scale = T(1) / sums.sum](const auto& v) {
          using V = std::decay_t<decltype(v)>;
          return xsimd::exp(v - V(shift)) * V(scale);
        },
        Strided<T>{in, 1});
  });
}

template <class T>
void softmax_backward(Cpu, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx) {
  for_each_row<T>(rows, columns, [&](std::int64_t r) {
    const T *g = dy + r * columns, *p = y + r * columns;
    T dot = 0;
#pragma omp simd reduction(+ : dot)
    for (std::int64_t c = 0; c < columns; ++c) dot += g[c] * p[c];
    T* out = dx + r * columns;
    for (std::int64_t c = 0; c < columns; ++c) out[c] = p[c] * (g[c] - dot);
  });
}

template <class T>
void log_softmax_forward(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  for_each_row<T>(rows, columns, [&](std::int64_t r) {
    const T* in = x + r * columns;
    const RowSums<T> sums(columns, in);
    const T log_sum = std::log(sums.sum);
    T* out = y + r * columns;
    for (std::int64_t c = 0; c < columns; ++c) out[c] = (in[c] - sums.shift) - log_sum;
  });
}

template <class T>
void log_softmax_backward(Cpu, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx) {
  for_each_row<T>(rows, columns, [&](std::int64_t r) {
    const T* g = dy + r * columns;
    T total = 0;
#pragma omp simd reduction(+ : total)
    for (std::int64_t c = 0; c < columns; ++c) total += g[c];
    map(
        columns, dx + r * columns,
        [total](const auto& grad, const auto& v) {
          using V = std::decay_t<decltype(v)>;
          return grad - xsimd::exp(v) * V(total);
        },
        Strided<T>{g, 1}, Strided<T>{y + r * columns, 1});
  });
}

#define SOFTMAX(T)                                                                            \
  template void log_sum_exp<T>(Cpu, std::int64_t, std::int64_t, const T*, RowLogSum<T>*);     \
  template void softmax_forward<T>(Cpu, std::int64_t, std::int64_t, const T*, T*);            \
  template void softmax_backward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, T*); \
  template void log_softmax_forward<T>(Cpu, std::int64_t, std::int64_t, const T*, T*);        \
  template void log_softmax_backward<T>(Cpu, std::int64_t, std::int64_t, const T*, const T*, T*);
SOFTMAX(float)
SOFTMAX(double)

}  // namespace lrurec::ops::kernels
