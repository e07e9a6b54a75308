#include <algorithm>
#include <vector>

#include "ops/conv1d/kernels.h"
#include "ops/primitives/chunks.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {
namespace {

/// to += a * b over D channels.
template <class T>
void add_products(std::int64_t D, const T* a, const T* b, T* to) {
#pragma omp simd
  for (std::int64_t d = 0; d < D; ++d) to[d] += a[d] * b[d];
}

/// Calls work(t, begin, end) for the rows t of a chunk, each with the bounds of its sequence.
template <class T, class F>
void for_rows(const Conv1d<T>& f, const cuda::Chunks& chunks, std::int64_t chunk, F&& work) {
  const std::int64_t* bounds = f.offsets + f.sequences + 1;
  const std::int64_t* next = std::upper_bound(f.offsets, bounds, chunks.begin(chunk));
  for (std::int64_t t = chunks.begin(chunk); t < chunks.end(chunk); ++t) {
    while (*next <= t) ++next;
    work(t, next[-1], *next);
  }
}

template <class T>
bool worth_threads(const Conv1d<T>& f) {
  return f.tokens * f.D > parallel_grain;
}

}  // namespace

template <class T>
void conv1d_forward(Cpu, const Conv1d<T>& f, const T* bias, T* y) {
  const std::int64_t D = f.D;
  const cuda::Chunks chunks(f.tokens, 64, 256);
#pragma omp parallel for schedule(static) if (worth_threads(f))
  for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    for_rows(f, chunks, chunk, [&](std::int64_t t, std::int64_t begin, std::int64_t) {
      T* to = y + t * D;
      if (bias != nullptr) {
        std::copy_n(bias, D, to);
      } else {
        std::fill_n(to, D, T(0));
      }
      for (std::int64_t k = 0; k < std::min(f.K, t - begin + 1); ++k) {
        add_products(D, f.weight + k * D, f.x + (t - k) * D, to);
      }
    });
  }
}

template <class T>
void conv1d_backward(Cpu, const Conv1d<T>& f, const T* dy, T* dx, T* dparameters) {
  const std::int64_t D = f.D, K = f.K, width = (K + 1) * D;
  const cuda::Chunks chunks(f.tokens, 64, 64);
  std::vector<T> partial(static_cast<std::size_t>(chunks.count * width));
#pragma omp parallel for schedule(static) if (worth_threads(f))
  for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    T *dweight = partial.data() + chunk * width, *dbias = dweight + K * D;
    for_rows(f, chunks, chunk, [&](std::int64_t t, std::int64_t begin, std::int64_t end) {
      T* to = dx + t * D;
      const T* of_row = dy + t * D;
      std::fill_n(to, D, T(0));
      for (std::int64_t k = 0; k < std::min(K, end - t); ++k) {
        add_products(D, f.weight + k * D, dy + (t + k) * D, to);
      }
      for (std::int64_t k = 0; k < std::min(K, t - begin + 1); ++k) {
        add_products(D, of_row, f.x + (t - k) * D, dweight + k * D);
      }
#pragma omp simd
      for (std::int64_t d = 0; d < D; ++d) dbias[d] += of_row[d];
    });
  }
  for (std::int64_t i = 0; i < width; ++i) {
    double total = 0;
    for (std::int64_t chunk = 0; chunk < chunks.count; ++chunk) {
      total += static_cast<double>(partial[static_cast<std::size_t>(chunk * width + i)]);
    }
    dparameters[i] = static_cast<T>(total);
  }
}

#define CONV1D(T)                                                       \
  template void conv1d_forward<T>(Cpu, const Conv1d<T>&, const T*, T*); \
  template void conv1d_backward<T>(Cpu, const Conv1d<T>&, const T*, T*, T*);
CONV1D(float)
CONV1D(double)

}  // namespace lrurec::ops::kernels
