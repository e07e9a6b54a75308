#pragma once
// Walks several strided operands of one shape together: the loop of copies and elementwise operations.

#include <algorithm>
#include <array>
#include <cstdint>

#include "tensor/shape.h"

namespace lrurec {

/// Elements below which a loop is not worth a second thread.
inline constexpr std::int64_t parallel_grain = 32768;

/// Shape and strides of N operands, with adjacent dimensions merged wherever all operands allow it.
/// The last dimension (the inner loop) is split off; a scalar has one inner element.
template <std::size_t N>
struct StridedLoop {
  Shape outer;
  std::array<Shape, N> outer_strides;
  std::int64_t inner = 1;
  std::array<std::int64_t, N> inner_strides{};

  StridedLoop(const Shape& shape, const std::array<Shape, N>& strides) {
    if (shape.numel() == 0) {
      inner = 0;
      return;
    }
    std::array<Shape, N> merged;
    Shape sizes;
    for (int d = 0; d < shape.rank(); ++d) {
      if (shape[d] == 1) continue;
      const int last = sizes.rank() - 1;
      bool mergeable = last >= 0;
      for (std::size_t k = 0; k < N && mergeable; ++k) {
        mergeable = merged[k][last] == strides[k][d] * shape[d];
      }
      if (mergeable) {
        sizes[last] *= shape[d];
        for (std::size_t k = 0; k < N; ++k) merged[k][last] = strides[k][d];
      } else {
        sizes.push_back(shape[d]);
        for (std::size_t k = 0; k < N; ++k) merged[k].push_back(strides[k][d]);
      }
    }
    if (const int last = sizes.rank() - 1; last >= 0) {
      inner = sizes[last];
      sizes.erase(last);
      for (std::size_t k = 0; k < N; ++k) {
        inner_strides[k] = merged[k][last];
        merged[k].erase(last);
      }
    }
    outer = sizes;
    outer_strides = merged;
  }

  /// Offset (in elements) of each operand at outer position `index`.
  std::array<std::int64_t, N> offsets(std::int64_t index) const {
    std::array<std::int64_t, N> result{};
    for (int d = outer.rank() - 1; d >= 0; --d) {
      const std::int64_t i = index % outer[d];
      index /= outer[d];
      for (std::size_t k = 0; k < N; ++k) result[k] += i * outer_strides[k][d];
    }
    return result;
  }

  /// body(offsets, count): for i < count, operand k's element is at offsets[k] + i * inner_strides[k].
  ///
  /// Work for one thread starts no parallel region, which would cost more than a small operation. Pieces are
  /// never inlined, so that there is one machine code of the body, and the bits do not depend on who runs it.
  template <class Body>
  void run(Body&& body) const {
    const std::int64_t rows = outer.numel();
    if (rows == 0 || inner == 0) return;
    if (rows == 1) {
      const std::int64_t chunks = (inner + parallel_grain - 1) / parallel_grain;
      const auto chunk = [&](std::int64_t c) __attribute__((noinline)) {
        const std::int64_t start = c * parallel_grain;
        std::array<std::int64_t, N> at{};
        for (std::size_t k = 0; k < N; ++k) at[k] = start * inner_strides[k];
        body(at, std::min(parallel_grain, inner - start));
      };
      if (chunks == 1) return chunk(0);
#pragma omp parallel for schedule(static)
      for (std::int64_t c = 0; c < chunks; ++c) chunk(c);
      return;
    }
    const auto some_rows = [&](std::int64_t from, std::int64_t to) __attribute__((noinline)) {
      for (std::int64_t r = from; r < to; ++r) body(offsets(r), inner);
    };
    if (rows * inner <= parallel_grain) return some_rows(0, rows);
    const std::int64_t shares = std::min(rows, std::int64_t{64});
#pragma omp parallel for schedule(static)
    for (std::int64_t s = 0; s < shares; ++s) some_rows(rows * s / shares, rows * (s + 1) / shares);
  }
};

}  // namespace lrurec
