#include "ops/primitives/tile_product.h"

#include <gtest/gtest.h>
#include <array>

#include <cmath>
#include <vector>

#include "ops/primitives/simd.h"
#include "tensor/random.h"

namespace lrurec {
namespace {

template <class T>
std::vector<T> draw(std::int64_t n, std::uint64_t stream) {
  std::vector<T> values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(Philox(3, stream).normal(i));
  return values;
}

template <class T>
class TileProduct : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(TileProduct, Types);

/// A link of the chain that tile_product promises, rounded once where the processor can.
template <class T>
T chain_link(T a, T b, T sum) {
#ifdef LRUREC_X86_FMA
  return std::fma(a, b, sum);
#else
  return sum + a * b;
#endif
}

TYPED_TEST(TileProduct, IsTheChainOfMultiplyAddsAtAwkwardSizes) {
  using T = TypeParam;
  for (const std::int64_t m : {1, 2, 5, 6, 7, 13}) {
    for (const std::int64_t n : {1, 3, 8, 16, 17, 64, 83}) {
      for (const std::int64_t k : {0, 1, 9, 33, 200}) {
        for (const bool transposed : {false, true}) {
          for (const auto start : {TileStart::zero, TileStart::bias, TileStart::sum}) {
            const std::int64_t ldb = n + 3, ldc = n + 1;
            const auto a = draw<T>(m * k, 1), b = draw<T>(k * ldb, 2), bias = draw<T>(n, 4);
            auto c = draw<T>(m * ldc, 3);
            const auto before = c;
            const TileOperand<T> left =
                transposed ? TileOperand<T>{a.data(), 1, m} : TileOperand<T>{a.data(), k, 1};
            tile_product(start, m, n, k, left, b.data(), ldb, c.data(), ldc, bias.data());
            for (std::int64_t i = 0; i < m; ++i) {
              for (std::int64_t j = 0; j < ldc; ++j) {
                const auto at = static_cast<std::size_t>(i * ldc + j);
                if (j >= n) {
                  ASSERT_EQ(c[at], before[at]) << "written beyond the tile";
                  continue;
                }
                T sum = start == TileStart::zero   ? T(0)
                        : start == TileStart::bias ? bias[static_cast<std::size_t>(j)]
                                                   : before[at];
                for (std::int64_t p = 0; p < k; ++p) {
                  sum = chain_link(left.data[i * left.row + p * left.column],
                                   b[static_cast<std::size_t>(p * ldb + j)], sum);
                }
#ifdef LRUREC_X86_FMA
                ASSERT_EQ(c[at], sum) << m << " " << n << " " << k;
#else
                ASSERT_NEAR(c[at], sum, 1e-5) << m << " " << n << " " << k;
#endif
              }
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(TileProduct, BitsDoNotDependOnThePositionInATile) {
  using T = TypeParam;
  const std::int64_t m = 20, n = 150, k = 33;
  const auto a = draw<T>(m * k, 1), b = draw<T>(k * n, 2);
  std::vector<T> whole(static_cast<std::size_t>(m * n)), one(1);
  tile_product(TileStart::zero, m, n, k, TileOperand<T>{a.data(), k, 1}, b.data(), n, whole.data(), n);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      tile_product(TileStart::zero, 1, 1, k, TileOperand<T>{a.data() + i * k, k, 1}, b.data() + j, n,
                   one.data(), 1);
      ASSERT_EQ(one[0], whole[static_cast<std::size_t>(i * n + j)]) << i << " " << j;
      std::vector<T> column;
      for (std::int64_t p = 0; p < k; ++p) column.push_back(b[static_cast<std::size_t>(p * n + j)]);
      ASSERT_EQ(tile_dot(k, a.data() + i * k, column.data()), one[0]);
      std::array<const T*, 8> rows;
      for (std::size_t r = 0; r < 8; ++r) rows[r] = r % 2 == 0 ? column.data() : a.data() + i * k;
      std::array<T, 8> dots{};
      tile_dots(k, a.data() + i * k, rows, dots);
      for (std::size_t r = 0; r < 8; ++r) ASSERT_EQ(dots[r], tile_dot(k, a.data() + i * k, rows[r]));
    }
  }
}

TYPED_TEST(TileProduct, TransposeMovesEveryElement) {
  using T = TypeParam;
  const std::int64_t rows = 37, columns = 21;
  const auto from = draw<T>(rows * columns, 5);
  std::vector<T> to(static_cast<std::size_t>(columns * (rows + 2)));
  tile_transpose(rows, columns, from.data(), columns, to.data(), rows + 2);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      ASSERT_EQ(to[static_cast<std::size_t>(j * (rows + 2) + i)],
                from[static_cast<std::size_t>(i * columns + j)]);
    }
  }
}

}  // namespace
}  // namespace lrurec
