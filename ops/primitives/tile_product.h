#pragma once
// A matrix product for tiles that lie in cache, which the fused kernels are built from. OpenBLAS is faster on
// large matrices; on tiles of 64 x 64 to 768 x 128 its packing costs as much as the product.

#include <array>
#include <cstdint>
#include <optional>

#include "ops/primitives/bf16.h"
#include "tensor/scratch.h"

namespace lrurec {

/// A matrix read with any strides: element (i, p) is data[i * row + p * column].
template <class T>
struct TileOperand {
  const T* data;
  std::int64_t row, column;
};

/// What a sum starts from.
enum class TileStart {
  zero,
  bias,  ///< bias[j], a row added to all rows
  sum,   ///< what C holds: C += A B
};

/// C = A B + start.  A: [m, k]; B: [k, n], rows ldb apart; C: [m, n], rows ldc apart. T is float or double.
/// Element (i, j) is the chain of fused multiply-adds over k in order, wherever it lies in its tile: its bits
/// depend neither on the tile sizes nor on how tiles are shared among threads.
template <class T>
void tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t k, TileOperand<T> a,
                  const T* b, std::int64_t ldb, T* c, std::int64_t ldc, const T* bias = nullptr);

/// The same for operands in bf16 (ops/primitives/bf16.h), whose inner index runs over pairs. The bits are
/// those of tile_product on the rounded numbers, as long as no number, product or sum on the way is subnormal
/// (which AVX512-BF16 takes for zero) or too large for f32.
void tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t pairs,
                  TileOperand<Bf16Pair> a, const Bf16Pair* b, std::int64_t ldb, float* c, std::int64_t ldc,
                  const float* bias = nullptr);

/// A product in bf16 on the fastest unit here: amx_tile_product (ops/primitives/amx.h) where has_amx(), else
/// tile_product.
void bf16_tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t pairs,
                       TileOperand<Bf16Pair> a, const Bf16Pair* b, std::int64_t ldb, float* c,
                       std::int64_t ldc, const float* bias = nullptr);

/// tile_product for kernels that offer bf16. Each thread has its own, since it holds the rounded operands.
template <class T>
class TileProduct {
 public:
  /// bf16: only for f32, and only where the rows or the columns of `a` are contiguous.
  explicit TileProduct(bool bf16) : bf16_(bf16) {}
  void operator()(TileStart start, std::int64_t m, std::int64_t n, std::int64_t k, TileOperand<T> a,
                  const T* b, std::int64_t ldb, T* c, std::int64_t ldc, const T* bias = nullptr);

 private:
  bool bf16_;
  std::optional<Scratch<Bf16Pair>> a_, b_;
};

/// Tokens that a fused kernel takes through its layers at a time: whole register tiles of the unit that
/// multiplies. Twice as many were no faster. With half as many, a kernel adds to the gradients of its
/// weights, which lie further away, twice as often.
template <class T>
std::int64_t tile_tokens(bool bf16);

/// Elements from row to row of a matrix with n columns that tile_product reads or writes. Rows that lie a
/// large power of two apart would fall into the same few places of the cache.
template <class T>
constexpr std::int64_t tile_stride(std::int64_t n) {
  constexpr auto line = static_cast<std::int64_t>(64 / sizeof(T));
  return n % (8 * line) == 0 ? n + line : n;
}

/// sum_p a[p] b[p], with the bits of an element of tile_product that starts from zero.
template <class T>
T tile_dot(std::int64_t k, const T* a, const T* b);

/// The same for eight b at once, in little more than the time of one, since the links of one chain wait for
/// each other.
template <class T>
void tile_dots(std::int64_t k, const T* a, const std::array<const T*, 8>& b, std::array<T, 8>& dots);

/// to[j, i] = from[i, j] for from: [rows, columns], rows ldf apart; to: rows ldt apart.
template <class T>
void tile_transpose(std::int64_t rows, std::int64_t columns, const T* from, std::int64_t ldf, T* to,
                    std::int64_t ldt);

/// total[i] += the sum of column i of rows [n, width].
template <class T>
void tile_add_columns(std::int64_t n, std::int64_t width, const T* rows, T* total) {
  for (std::int64_t t = 0; t < n; ++t) {
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) total[i] += rows[t * width + i];
  }
}

}  // namespace lrurec
