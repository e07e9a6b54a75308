// A thread takes a column of a segment: neighbouring threads read neighbouring columns.

#include <limits>

#include "ops/segments/kernels.h"
#include "tensor/cuda/element.h"
#include "tensor/cuda/kernel.h"

namespace lrurec::ops::kernels {
namespace {

using cuda::elements;

/// f(first, last, s, column) for the thread's columns of segments.
template <class F>
__device__ void for_columns(const SegmentRows& rows, F&& f) {
  for (std::int64_t i = cuda::global_thread(); i < rows.segments * rows.width; i += cuda::grid_threads()) {
    const std::int64_t s = i / rows.width;
    f(rows.offsets[s], rows.offsets[s + 1], s, i % rows.width);
  }
}

template <class Sum, class E>
__global__ void segments_sum_kernel(SegmentRows rows, const E* x, E* y) {
  for_columns(rows, [&](std::int64_t first, std::int64_t last, std::int64_t s, std::int64_t c) {
    Sum total(0);
    for (std::int64_t t = first; t < last; ++t) total = total + Sum(x[t * rows.width + c]);
    y[s * rows.width + c] = E(total);
  });
}

template <class E>
__global__ void spread_kernel(SegmentRows rows, const E* x, E* y) {
  for_columns(rows, [&](std::int64_t first, std::int64_t last, std::int64_t s, std::int64_t c) {
    const E value = x[s * rows.width + c];
    for (std::int64_t t = first; t < last; ++t) y[t * rows.width + c] = value;
  });
}

template <class T>
__global__ void segments_softmax_kernel(SegmentRows rows, const T* x, T* y) {
  for_columns(rows, [&](std::int64_t first, std::int64_t last, std::int64_t, std::int64_t c) {
    T top = -std::numeric_limits<T>::infinity(), sum = 0;
    for (std::int64_t t = first; t < last; ++t) {
      const T v = x[t * rows.width + c];
      top = v > top ? v : top;
    }
    for (std::int64_t t = first; t < last; ++t) {
      const T e = std::exp(x[t * rows.width + c] - top);
      y[t * rows.width + c] = e;
      sum += e;
    }
    for (std::int64_t t = first; t < last; ++t) y[t * rows.width + c] /= sum;
  });
}

// dx = y (dy - sum dy y)
template <class T>
__global__ void segments_softmax_backward_kernel(SegmentRows rows, const T* dy, const T* y, T* dx) {
  for_columns(rows, [&](std::int64_t first, std::int64_t last, std::int64_t, std::int64_t c) {
    T sum = 0;
    for (std::int64_t t = first; t < last; ++t) sum += dy[t * rows.width + c] * y[t * rows.width + c];
    for (std::int64_t t = first; t < last; ++t) {
      const std::int64_t i = t * rows.width + c;
      dx[i] = y[i] * (dy[i] - sum);
    }
  });
}

int blocks(const SegmentRows& rows) { return cuda::blocks_for(rows.segments * rows.width); }

}  // namespace

template <class T>
void segment_sum(Cuda, const SegmentRows& rows, const T* x, T* y) {
  using Sum = cuda::element<accumulator_type<T>>;
  cuda::launch("segment_sum", segments_sum_kernel<Sum, cuda::element<T>>, blocks(rows), 256, 0, rows,
               elements(x), elements(y));
}

template <class T>
void segment_spread(Cuda, const SegmentRows& rows, const T* x, T* y) {
  cuda::launch("segment_spread", spread_kernel<cuda::element<T>>, blocks(rows), 256, 0, rows, elements(x),
               elements(y));
}

template <class T>
void segment_softmax(Cuda, const SegmentRows& rows, const T* x, T* y) {
  cuda::launch("segment_softmax", segments_softmax_kernel<T>, blocks(rows), 256, 0, rows, x, y);
}

template <class T>
void segment_softmax_backward(Cuda, const SegmentRows& rows, const T* dy, const T* y, T* dx) {
  cuda::launch("segment_softmax", segments_softmax_backward_kernel<T>, blocks(rows), 256, 0, rows, dy, y, dx);
}

#define SEGMENTS(T)                                                     \
  template void segment_sum<T>(Cuda, const SegmentRows&, const T*, T*); \
  template void segment_spread<T>(Cuda, const SegmentRows&, const T*, T*);
SEGMENTS(float)
SEGMENTS(double)
SEGMENTS(c64)
SEGMENTS(c128)

#define SEGMENT_SOFTMAX(T)                                                  \
  template void segment_softmax<T>(Cuda, const SegmentRows&, const T*, T*); \
  template void segment_softmax_backward<T>(Cuda, const SegmentRows&, const T*, const T*, T*);
SEGMENT_SOFTMAX(float)
SEGMENT_SOFTMAX(double)

}  // namespace lrurec::ops::kernels
