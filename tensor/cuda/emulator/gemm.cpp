// Products and sorting by the plainest code there is.

#include "tensor/cuda/gemm.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "tensor/cuda/emulator/graph.h"
#include "tensor/cuda/emulator/memory.h"
#include "tensor/cuda/runtime.h"
#include "tensor/cuda/sort.h"
#include "tensor/dtype.h"
#include "tensor/error.h"

namespace lrurec::cuda {
namespace {

/// A float as a tensor core reads it in TF32: rounded to 10 bits of mantissa.
float in_tf32(float x) {
  if (!std::isfinite(x)) return x;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu);
}
c64 in_tf32(c64 z) { return {in_tf32(z.real()), in_tf32(z.imag())}; }
template <class T>
T in_tf32(T x) {
  return x;
}

/// Element (row, column) of a stored matrix after `read`.
template <class T>
T element(Read read, const T* a, std::int64_t ld, std::int64_t row, std::int64_t column) {
  const bool across = read == Read::transpose || read == Read::conj_transpose;
  const T stored = across ? a[column * ld + row] : a[row * ld + column];
  const T x = tf32() ? in_tf32(stored) : stored;
  return read == Read::conj || read == Read::conj_transpose ? conjugate(x) : x;
}

/// Checks arguments as cuBLAS does.
void check_rows(const char* matrix, Read read, std::int64_t rows, std::int64_t columns, std::int64_t ld) {
  const bool across = read == Read::transpose || read == Read::conj_transpose;
  const std::int64_t stored = across ? rows : columns;
  if (ld < stored) fail_op("gemm", "{} elements between rows of {} with {} columns", ld, matrix, stored);
}

}  // namespace

template <class T>
void gemm(Read read_a, Read read_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  if (is_complex_type<T> && (read_a == Read::conj || read_b == Read::conj)) {
    fail_op("gemm", "cuBLAS cannot read the conjugate of a matrix; conjugate it first");
  }
  if (m == 0 || n == 0) return;
  lda = std::max<std::int64_t>(lda, 1), ldb = std::max<std::int64_t>(ldb, 1);
  check_rows("A", read_a, m, k, lda);
  check_rows("B", read_b, k, n, ldb);
  check_rows("C", Read::plain, m, n, ldc);
  emulator::submit(emulator::Work::kernel, [=] {
    const emulator::Unprotected open;
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        T sum = beta == T(0) ? T(0) : beta * c[i * ldc + j];  // as BLAS: beta = 0 does not read C
        for (std::int64_t p = 0; p < k; ++p) {
          sum += element(read_a, a, lda, i, p) * element(read_b, b, ldb, p, j);
        }
        c[i * ldc + j] = sum;
      }
    }
  });
}

#define INSTANTIATE(T)                                                                                       \
  template void gemm(Read, Read, std::int64_t, std::int64_t, std::int64_t, const T*, std::int64_t, const T*, \
                     std::int64_t, T, T*, std::int64_t);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(c64)
INSTANTIATE(c128)
#undef INSTANTIATE

void sort_pairs(std::int64_t n, std::int64_t, const std::int32_t* keys, const std::int32_t* values,
                std::int32_t* sorted_keys, std::int32_t* sorted_values) {
  emulator::submit(emulator::Work::kernel, [=] {
    const emulator::Unprotected open;
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
    for (std::int64_t i = 0; i < n; ++i) {
      sorted_keys[i] = keys[order[static_cast<std::size_t>(i)]];
      sorted_values[i] = values[order[static_cast<std::size_t>(i)]];
    }
  });
}

}  // namespace lrurec::cuda
