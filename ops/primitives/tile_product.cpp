#include "ops/primitives/tile_product.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/primitives/amx.h"
#include "ops/primitives/simd.h"
#include "tensor/error.h"
#include "tensor/scratch.h"

namespace lrurec {
namespace {

/// A tile of R rows and V vectors of C stays in registers while k runs. Each step loads V vectors of B and
/// broadcasts R elements of A for R * V multiply-adds. 6 x 4 fills the 32 registers of AVX-512, 6 x 2 the 16
/// of AVX2.
template <int R, int V, TileStart start, class In, class T>
void micro_tile(std::int64_t k, const In* a, std::int64_t a_row, std::int64_t a_column, const In* b,
                std::int64_t ldb, T* c, std::int64_t ldc, const T* bias) {
  using Batch = xsimd::batch<T>;
  using InBatch = xsimd::batch<In>;
  constexpr auto W = static_cast<std::int64_t>(Batch::size);
  Batch sum[R][V];
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      if constexpr (start == TileStart::zero) sum[i][v] = Batch(T(0));
      if constexpr (start == TileStart::bias) sum[i][v] = Batch::load_unaligned(bias + v * W);
      if constexpr (start == TileStart::sum) sum[i][v] = Batch::load_unaligned(c + i * ldc + v * W);
    }
  }
  for (std::int64_t p = 0; p < k; ++p) {
    InBatch row[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) row[v] = InBatch::load_unaligned(b + p * ldb + v * W);
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) {
      const InBatch factor(a[i * a_row + p * a_column]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[i][v] = multiply_add(factor, row[v], sum[i][v]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[i][v].store_unaligned(c + i * ldc + v * W);
  }
}

/// V vectors of columns over all rows: R rows at a time, then fewer for the rest.
template <int R, int V, TileStart start, class In, class T>
void all_rows(std::int64_t m, std::int64_t k, TileOperand<In> a, const In* b, std::int64_t ldb, T* c,
              std::int64_t ldc, const T* bias) {
  for (; m >= R; m -= R, a.data += R * a.row, c += R * ldc) {
    // The numbers are passed one by one: a struct that was just written would be read back from the stack.
    micro_tile<R, V, start>(k, a.data, a.row, a.column, b, ldb, c, ldc, bias);
  }
  if constexpr (R > 1) {
    if (m > 0) all_rows<R - 1, V, start>(m, k, a, b, ldb, c, ldc, bias);
  }
}

/// The last columns, too few for a vector: the same arithmetic on zero-padded copies.
template <TileStart start, class In, class T>
void last_columns(std::int64_t m, std::int64_t n, std::int64_t k, TileOperand<In> a, const In* b,
                  std::int64_t ldb, T* c, std::int64_t ldc, const T* bias) {
  constexpr auto W = static_cast<std::int64_t>(xsimd::batch<T>::size);
  const Scratch<In> padded_b(k * W, In(0));
  const Scratch<T> padded_c(m * W, T(0));
  std::array<T, xsimd::batch<T>::size> padded_bias{};
  for (std::int64_t p = 0; p < k; ++p) std::copy_n(b + p * ldb, n, padded_b.data() + p * W);
  if constexpr (start == TileStart::bias) std::copy_n(bias, n, padded_bias.data());
  if constexpr (start == TileStart::sum) {
    for (std::int64_t i = 0; i < m; ++i) std::copy_n(c + i * ldc, n, padded_c.data() + i * W);
  }
  all_rows<6, 1, start>(m, k, a, padded_b.data(), W, padded_c.data(), W, padded_bias.data());
  for (std::int64_t i = 0; i < m; ++i) std::copy_n(padded_c.data() + i * W, n, c + i * ldc);
}

template <TileStart start, class In, class T>
void product(std::int64_t m, std::int64_t n, std::int64_t k, TileOperand<In> a, const In* b, std::int64_t ldb,
             T* c, std::int64_t ldc, const T* bias) {
  constexpr auto W = static_cast<std::int64_t>(xsimd::batch<T>::size);
  constexpr int V = sizeof(T) * xsimd::batch<T>::size == 64 ? 4 : 2;
  // Without a bias the pointer is null, and must not be moved.
  const auto from = [bias]([[maybe_unused]] std::int64_t j) {
    return start == TileStart::bias ? bias + j : bias;
  };
  std::int64_t j = 0;
  for (; j + V * W <= n; j += V * W) all_rows<6, V, start>(m, k, a, b + j, ldb, c + j, ldc, from(j));
  for (; j + 2 * W <= n; j += 2 * W) all_rows<6, 2, start>(m, k, a, b + j, ldb, c + j, ldc, from(j));
  for (; j + W <= n; j += W) all_rows<6, 1, start>(m, k, a, b + j, ldb, c + j, ldc, from(j));
  if (j < n) last_columns<start>(m, n - j, k, a, b + j, ldb, c + j, ldc, from(j));
}

template <class In, class T>
void product_from(TileStart start, std::int64_t m, std::int64_t n, std::int64_t k, TileOperand<In> a,
                  const In* b, std::int64_t ldb, T* c, std::int64_t ldc, const T* bias) {
  switch (start) {
    case TileStart::zero:
      return product<TileStart::zero>(m, n, k, a, b, ldb, c, ldc, bias);
    case TileStart::bias:
      return product<TileStart::bias>(m, n, k, a, b, ldb, c, ldc, bias);
    case TileStart::sum:
      return product<TileStart::sum>(m, n, k, a, b, ldb, c, ldc, bias);
  }
}

}  // namespace

template <class T>
void tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t k, TileOperand<T> a,
                  const T* b, std::int64_t ldb, T* c, std::int64_t ldc, const T* bias) {
  product_from(start, m, n, k, a, b, ldb, c, ldc, bias);
}

void tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t pairs,
                  TileOperand<Bf16Pair> a, const Bf16Pair* b, std::int64_t ldb, float* c, std::int64_t ldc,
                  const float* bias) {
  product_from(start, m, n, pairs, a, b, ldb, c, ldc, bias);
}

void bf16_tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t pairs,
                       TileOperand<Bf16Pair> a, const Bf16Pair* b, std::int64_t ldb, float* c,
                       std::int64_t ldc, const float* bias) {
  const auto product =
      has_amx() ? &amx_tile_product : static_cast<decltype(&amx_tile_product)>(&tile_product);
  product(start, m, n, pairs, a, b, ldb, c, ldc, bias);
}

template <class T>
std::int64_t tile_tokens(bool bf16) {
  return std::is_same_v<T, float> && bf16 && has_amx() ? 128 : 120;
}

namespace {

Bf16Pair* room_for(std::optional<Scratch<Bf16Pair>>& scratch, std::int64_t size) {
  if (!scratch || scratch->size() < size) scratch.emplace(size);
  return scratch->data();
}

}  // namespace

template <class T>
void TileProduct<T>::operator()(TileStart start, std::int64_t m, std::int64_t n, std::int64_t k,
                                TileOperand<T> a, const T* b, std::int64_t ldb, T* c, std::int64_t ldc,
                                const T* bias) {
  if constexpr (std::is_same_v<T, float>) {
    if (bf16_) {
      const std::int64_t pairs = bf16_pairs(k);
      Bf16Pair *left = room_for(a_, m * pairs), *right = room_for(b_, pairs * n);
      bf16_pairs_of_rows(k, n, b, ldb, right, n);
      if (a.column != 1 && a.row != 1) fail(ErrorKind::internal, "a tile in bf16 needs neighbours in memory");
      if (a.column == 1) {
        bf16_pairs_in_rows(m, k, a.data, a.row, left, pairs);
      } else {
        bf16_pairs_of_rows(k, m, a.data, a.column, left, m);
      }
      const TileOperand<Bf16Pair> rounded =
          a.column == 1 ? TileOperand<Bf16Pair>{left, pairs, 1} : TileOperand<Bf16Pair>{left, 1, m};
      return bf16_tile_product(start, m, n, pairs, rounded, right, n, c, ldc, bias);
    }
  }
  tile_product(start, m, n, k, a, b, ldb, c, ldc, bias);
}

namespace {

/// One link of the chain, with the bits of tile_product.
template <class T>
T scalar_multiply_add(T a, T b, T sum) {
#if defined(LRUREC_X86_FMA) || defined(__FP_FAST_FMA)
  return std::fma(a, b, sum);
#else
  return sum + a * b;  // as xsimd's fma does where there is no instruction for it
#endif
}

}  // namespace

template <class T>
T tile_dot(std::int64_t k, const T* a, const T* b) {
  T sum = 0;
  for (std::int64_t p = 0; p < k; ++p) sum = scalar_multiply_add(a[p], b[p], sum);
  return sum;
}

template <class T>
void tile_dots(std::int64_t k, const T* a, const std::array<const T*, 8>& b, std::array<T, 8>& dots) {
  std::array<T, 8> sum{};
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::size_t i = 0; i < 8; ++i) sum[i] = scalar_multiply_add(a[p], b[i][p], sum[i]);
  }
  dots = sum;
}

template <class T>
void tile_transpose(std::int64_t rows, std::int64_t columns, const T* from, std::int64_t ldf, T* to,
                    std::int64_t ldt) {
  constexpr std::int64_t block = 16;  // so that a block lies in few cache lines on both sides
  for (std::int64_t i0 = 0; i0 < rows; i0 += block) {
    for (std::int64_t j0 = 0; j0 < columns; j0 += block) {
      for (std::int64_t i = i0; i < std::min(rows, i0 + block); ++i) {
        for (std::int64_t j = j0; j < std::min(columns, j0 + block); ++j) to[j * ldt + i] = from[i * ldf + j];
      }
    }
  }
}

#define TILE(T)                                                                                          \
  template std::int64_t tile_tokens<T>(bool);                                                            \
  template class TileProduct<T>;                                                                         \
  template void tile_product<T>(TileStart, std::int64_t, std::int64_t, std::int64_t, TileOperand<T>,     \
                                const T*, std::int64_t, T*, std::int64_t, const T*);                     \
  template T tile_dot<T>(std::int64_t, const T*, const T*);                                              \
  template void tile_dots<T>(std::int64_t, const T*, const std::array<const T*, 8>&, std::array<T, 8>&); \
  template void tile_transpose<T>(std::int64_t, std::int64_t, const T*, std::int64_t, T*, std::int64_t);
TILE(float)
TILE(double)

}  // namespace lrurec
