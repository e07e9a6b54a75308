#pragma once
// Rows of a scan on the CPU: which comes when, and the step from one to the next.

#include <algorithm>

#include "ops/linear_scan/kernels.h"
#include "ops/primitives/complex_step.h"
#include "tensor/dtype.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::kernels {

/// Row numbers of one sequence in the direction of time: row(0) is its first step.
struct TimeOrder {
  std::int64_t first, step, length;
  template <class T>
  TimeOrder(const Scan<T>& scan, std::int64_t s)
      : first(scan.time == Time::forward ? scan.offsets[s] : scan.offsets[s + 1] - 1),
        step(scan.time == Time::forward ? 1 : -1),
        length(scan.offsets[s + 1] - scan.offsets[s]) {}
  std::int64_t operator()(std::int64_t t) const { return first + t * step; }
};

/// to = lambda * state + x over D channels; with `conj`, conj(lambda).
template <bool conj, class T>
void step_row(std::int64_t D, const T* lambda, const T* state, const T* x, T* to) {
  if constexpr (is_complex_type<T>) {
    using R = real_type<T>;
    const auto parts = [](const T* z) { return reinterpret_cast<const R*>(z); };
    complex_step<conj>(InterleavedParts{}, D, parts(lambda), parts(state), parts(x),
                       reinterpret_cast<R*>(to));
  } else {
#pragma omp simd
    for (std::int64_t d = 0; d < D; ++d) to[d] = lambda[d] * state[d] + x[d];
  }
}

/// to = the input of the first step of sequence s, which is at `row`: x + add_first.
template <class T>
void first_input(const Scan<T>& scan, std::int64_t s, std::int64_t row, T* to) {
  const std::int64_t D = scan.channels;
  if (to != scan.x + row * D) std::copy_n(scan.x + row * D, D, to);
  for (std::int64_t d = 0; scan.add_first != nullptr && d < D; ++d) to[d] += scan.add_first[s * D + d];
}

template <class T>
bool worth_threads(const Scan<T>& scan) {
  return scan.tokens() * scan.channels > parallel_grain;
}

}  // namespace lrurec::ops::kernels
