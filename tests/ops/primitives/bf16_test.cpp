#include "ops/primitives/bf16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/primitives/tile_product.h"
#include "tensor/random.h"

namespace lrurec {
namespace {

std::vector<float> normals(std::int64_t n, std::uint64_t stream) {
  std::vector<float> values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(Philox(3, stream).normal(i));
  return values;
}

std::vector<float> rounded(std::vector<float> values) {
  for (float& x : values) x = bf16_rounded(x);
  return values;
}

TEST(Bf16, RoundsToTheNearestAndToEven) {
  constexpr float ulp = 1.0F / 128;  // of numbers from 1 on
  EXPECT_EQ(bf16_rounded(1 + 0.49F * ulp), 1);
  EXPECT_EQ(bf16_rounded(1 + 0.51F * ulp), 1 + ulp);
  EXPECT_EQ(bf16_rounded(1 + 0.5F * ulp), 1);
  EXPECT_EQ(bf16_rounded(1 + 1.5F * ulp), 1 + 2 * ulp);
  EXPECT_EQ(bf16_rounded(-1 - 1.5F * ulp), -1 - 2 * ulp);
  EXPECT_EQ(bf16_rounded(2 - 0.1F * ulp), 2);
  EXPECT_EQ(bf16_rounded(0), 0);
  EXPECT_EQ(bf16_rounded(1e30F), std::nearbyint(1e30F / 0x1p92F) * 0x1p92F);  // 2^99 <= 1e30 < 2^100
  EXPECT_EQ(bf16_rounded(std::numeric_limits<float>::max()), std::numeric_limits<float>::infinity());
  EXPECT_EQ(bf16_rounded(-std::numeric_limits<float>::infinity()), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(bf16_rounded(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(bf16_rounded(std::bit_cast<float>(0x7fffffffU))));
  EXPECT_TRUE(std::isnan(bf16_rounded(std::bit_cast<float>(0x7f800001U))));
}

// Whole vectors go through the processor's own conversion where it has one, the rest through bf16_pair.
TEST(Bf16, PairsAreThoseOfBf16PairAtAllSizes) {
  for (const std::int64_t rows : {1, 2, 5}) {
    for (const std::int64_t columns : {1, 2, 15, 32, 33, 75}) {
      const std::int64_t ldf = columns + 3;
      auto from = normals(rows * ldf, 1);
      // What the processor's own conversion could do otherwise: infinity, NaN, overflow, a tie.
      const std::vector<float> special{std::numeric_limits<float>::infinity(),
                                       std::bit_cast<float>(0x7fc00000U), std::numeric_limits<float>::max(),
                                       std::bit_cast<float>(0xbf808000U)};
      std::copy_n(special.begin(), std::min(from.size(), special.size()), from.begin());
      const auto at = [&](std::int64_t i, std::int64_t j) {
        return i < rows && j < columns ? from[static_cast<std::size_t>(i * ldf + j)] : 0;
      };
      const std::int64_t pairs = bf16_pairs(columns), ldp = pairs + 1, ldc = columns + 1;
      std::vector<Bf16Pair> in_rows(static_cast<std::size_t>(rows * ldp), 7),
          of_rows(static_cast<std::size_t>(bf16_pairs(rows) * ldc), 7);
      bf16_pairs_in_rows(rows, columns, from.data(), ldf, in_rows.data(), ldp);
      bf16_pairs_of_rows(rows, columns, from.data(), ldf, of_rows.data(), ldc);
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t p = 0; p < ldp; ++p) {
          const Bf16Pair wanted = p < pairs ? bf16_pair(at(i, 2 * p), at(i, 2 * p + 1)) : 7;
          ASSERT_EQ(in_rows[static_cast<std::size_t>(i * ldp + p)], wanted) << rows << " " << columns;
        }
      }
      for (std::int64_t p = 0; p < bf16_pairs(rows); ++p) {
        for (std::int64_t j = 0; j < ldc; ++j) {
          const Bf16Pair wanted = j < columns ? bf16_pair(at(2 * p, j), at(2 * p + 1, j)) : 7;
          ASSERT_EQ(of_rows[static_cast<std::size_t>(p * ldc + j)], wanted) << rows << " " << columns;
        }
      }
    }
  }
}

TEST(Bf16, ATileProductHasTheBitsOfOneOfRoundedNumbers) {
  for (const std::int64_t m : {1, 6, 13}) {
    for (const std::int64_t n : {1, 16, 17, 83}) {
      for (const std::int64_t k : {0, 1, 2, 9, 64}) {
        for (const bool transposed : {false, true}) {
          for (const auto start : {TileStart::zero, TileStart::bias, TileStart::sum}) {
            const std::int64_t lda = (transposed ? m : k) + 2, ldb = n + 3, ldc = n + 1;
            const auto a = normals((transposed ? k : m) * lda, 1), b = normals(k * ldb, 2),
                       bias = normals(n, 4);
            const auto left = [&](const std::vector<float>& values) {
              return transposed ? TileOperand<float>{values.data(), 1, lda}
                                : TileOperand<float>{values.data(), lda, 1};
            };
            auto c = normals(m * ldc, 3), wanted = c, plain = c, unrounded = c;
            const auto a_rounded = rounded(a), b_rounded = rounded(b);
            TileProduct<float> in_bf16(true), in_f32(false);
            in_bf16(start, m, n, k, left(a), b.data(), ldb, c.data(), ldc, bias.data());
            tile_product(start, m, n, k, left(a_rounded), b_rounded.data(), ldb, wanted.data(), ldc,
                         bias.data());
            ASSERT_EQ(c, wanted) << m << " " << n << " " << k;
            in_f32(start, m, n, k, left(a), b.data(), ldb, plain.data(), ldc, bias.data());
            tile_product(start, m, n, k, left(a), b.data(), ldb, unrounded.data(), ldc, bias.data());
            ASSERT_EQ(plain, unrounded);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lrurec
