#include <algorithm>
#include <array>
#include <cmath>

#include "ops/segments/kernels.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {
namespace {

/// f(first, last, s) of every segment.
template <class F>
void for_segments(const SegmentRows& rows, F&& f) {
  const std::int64_t tokens = rows.offsets[rows.segments];
#pragma omp parallel for schedule(static) if (tokens * rows.width > parallel_grain)
  for (std::int64_t s = 0; s < rows.segments; ++s) f(rows.offsets[s], rows.offsets[s + 1], s);
}

}  // namespace

template <class T>
void segment_sum(Cpu, const SegmentRows& rows, const T* x, T* y) {
  using Sum = accumulator_type<T>;
  constexpr std::int64_t most = 64;  // columns at a time
  const std::int64_t W = rows.width;
  for_segments(rows, [&](std::int64_t first, std::int64_t last, std::int64_t s) {
    for (std::int64_t column = 0; column < W; column += most) {
      const std::int64_t n = std::min(most, W - column);
      std::array<Sum, most> total{};
      for (std::int64_t t = first; t < last; ++t) {
        const T* from = x + t * W + column;
        for (std::int64_t c = 0; c < n; ++c) total[static_cast<std::size_t>(c)] += Sum(from[c]);
      }
      T* to = y + s * W + column;
      for (std::int64_t c = 0; c < n; ++c) to[c] = T(total[static_cast<std::size_t>(c)]);
    }
  });
}

template <class T>
void segment_spread(Cpu, const SegmentRows& rows, const T* x, T* y) {
  const std::int64_t W = rows.width;
  for_segments(rows, [&](std::int64_t first, std::int64_t last, std::int64_t s) {
    for (std::int64_t t = first; t < last; ++t) std::copy_n(x + s * W, W, y + t * W);
  });
}

template <class T>
void segment_softmax(Cpu, const SegmentRows& rows, const T* x, T* y) {
  const std::int64_t W = rows.width;
  for_segments(rows, [&](std::int64_t first, std::int64_t last, std::int64_t) {
    for (std::int64_t c = 0; c < W; ++c) {
      T top = -std::numeric_limits<T>::infinity(), sum = 0;
      for (std::int64_t t = first; t < last; ++t) top = std::max(top, x[t * W + c]);
      for (std::int64_t t = first; t < last; ++t) sum += y[t * W + c] = std::exp(x[t * W + c] - top);
      for (std::int64_t t = first; t < last; ++t) y[t * W + c] /= sum;
    }
  });
}

template <class T>
void segment_softmax_backward(Cpu, const SegmentRows& rows, const T* dy, const T* y, T* dx) {
  const std::int64_t W = rows.width;
  for_segments(rows, [&](std::int64_t first, std::int64_t last, std::int64_t) {
    for (std::int64_t c = 0; c < W; ++c) {
      T sum = 0;
      for (std::int64_t t = first; t < last; ++t) sum += dy[t * W + c] * y[t * W + c];
      for (std::int64_t t = first; t < last; ++t) dx[t * W + c] = y[t * W + c] * (dy[t * W + c] - sum);
    }
  });
}

#define SEGMENTS(T)                                                    \
  template void segment_sum<T>(Cpu, const SegmentRows&, const T*, T*); \
  template void segment_spread<T>(Cpu, const SegmentRows&, const T*, T*);
SEGMENTS(float)
SEGMENTS(double)
SEGMENTS(c64)
SEGMENTS(c128)

#define SEGMENT_SOFTMAX(T)                                                 \
  template void segment_softmax<T>(Cpu, const SegmentRows&, const T*, T*); \
  template void segment_softmax_backward<T>(Cpu, const SegmentRows&, const T*, const T*, T*);
SEGMENT_SOFTMAX(float)
SEGMENT_SOFTMAX(double)

}  // namespace lrurec::ops::kernels
