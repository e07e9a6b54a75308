#include "ops/primitives/bf16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "ops/primitives/amx.h"
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
  EXPECT_EQ(bf16_rounded(0x1p-126F), 0x1p-126F);
  EXPECT_EQ(bf16_rounded(std::bit_cast<float>(0x007fffffU)), 0) << "the next smaller number";
  EXPECT_TRUE(std::signbit(bf16_rounded(-0x1p-130F)));
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
      // What the processor's own conversion could do otherwise: infinity, NaN, overflow, a tie, numbers below
      // the normal ones and the smallest of those. They lie in whole vectors and behind them.
      const std::vector<float> special{
          std::numeric_limits<float>::infinity(), std::bit_cast<float>(0x7fc00000U),
          std::numeric_limits<float>::max(),      std::bit_cast<float>(0xbf808000U),
          std::bit_cast<float>(0x007fffffU),      std::bit_cast<float>(0x80400000U),
          std::bit_cast<float>(0x00800000U)};
      for (std::size_t i = 0; i < from.size(); i += 2 + i % 3) from[i] = special[i % special.size()];
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

struct TileCase {
  std::int64_t m, n, k;
  bool transposed;
  TileStart start;
};

/// Sizes below, at and beyond the registers' of all units.
std::vector<TileCase> tile_cases() {
  std::vector<TileCase> cases;
  for (const std::int64_t m : {1, 6, 13, 16, 24, 40}) {
    for (const std::int64_t n : {1, 16, 17, 83}) {
      for (const std::int64_t k : {0, 1, 2, 9, 32, 64, 71}) {
        for (const bool transposed : {false, true}) {
          for (const auto start : {TileStart::zero, TileStart::bias, TileStart::sum}) {
            cases.push_back({m, n, k, transposed, start});
          }
        }
      }
    }
  }
  return cases;
}

/// The operands of a case, with rows further apart than they are long.
struct TileData {
  std::int64_t lda, ldb, ldc;
  std::vector<float> a, b, bias, c;

  explicit TileData(const TileCase& x)
      : lda((x.transposed ? x.m : x.k) + 2),
        ldb(x.n + 3),
        ldc(x.n + 1),
        a(normals((x.transposed ? x.k : x.m) * lda, 1)),
        b(normals(x.k * ldb, 2)),
        bias(normals(x.n, 4)),
        c(normals(x.m * ldc, 3)) {}

  template <class T>
  TileOperand<T> left(const TileCase& x, const T* values, std::int64_t ld) const {
    return x.transposed ? TileOperand<T>{values, 1, ld} : TileOperand<T>{values, ld, 1};
  }
};

using PairProduct = void(TileStart, std::int64_t, std::int64_t, std::int64_t, TileOperand<Bf16Pair>,
                         const Bf16Pair*, std::int64_t, float*, std::int64_t, const float*);

/// C of a case by a product of pairs.
std::vector<float> by_pairs(const TileCase& x, PairProduct* product) {
  TileData data(x);
  const std::int64_t pairs = bf16_pairs(x.k), lda = (x.transposed ? x.m : pairs) + 1, ldb = x.n + 2;
  // Numbers beyond an operand must not count, whatever they are.
  const Bf16Pair other = bf16_pair(1e30F, std::numeric_limits<float>::quiet_NaN());
  std::vector<Bf16Pair> a(static_cast<std::size_t>((x.transposed ? pairs : x.m) * lda), other),
      b(static_cast<std::size_t>(pairs * ldb), other);
  if (x.transposed) {
    bf16_pairs_of_rows(x.k, x.m, data.a.data(), data.lda, a.data(), lda);
  } else {
    bf16_pairs_in_rows(x.m, x.k, data.a.data(), data.lda, a.data(), lda);
  }
  bf16_pairs_of_rows(x.k, x.n, data.b.data(), data.ldb, b.data(), ldb);
  product(x.start, x.m, x.n, pairs, data.left(x, a.data(), lda), b.data(), ldb, data.c.data(), data.ldc,
          data.bias.data());
  return data.c;
}

std::string name_of(const TileCase& x) {
  return std::to_string(x.m) + " x " + std::to_string(x.k) + " by " + std::to_string(x.n);
}

TEST(Bf16, ATileProductHasTheBitsOfOneOfRoundedNumbers) {
  for (const TileCase& x : tile_cases()) {
    TileData data(x);
    const auto a = rounded(data.a), b = rounded(data.b);
    tile_product(x.start, x.m, x.n, x.k, data.left(x, a.data(), data.lda), b.data(), data.ldb, data.c.data(),
                 data.ldc, data.bias.data());
    ASSERT_EQ(by_pairs(x, tile_product), data.c) << name_of(x);
  }
}

/// An element as amx_tile_product states it.
float amx_element(std::int64_t k, const std::function<float(std::int64_t)>& a,
                  const std::function<float(std::int64_t)>& b, float sum) {
  for (std::int64_t p = 0; p < k; p += 32) {
    std::array<float, 2> chains{};
    for (std::int64_t q = p; q < std::min(k, p + 32); ++q) {
      float& chain = chains[static_cast<std::size_t>(q % 2)];
      chain = std::fma(a(q), b(q), chain);
    }
    sum += chains[0] + chains[1];
  }
  return sum;
}

TEST(Bf16, AnAmxProductHasTheBitsThatItStates) {
  if (!has_amx()) GTEST_SKIP() << "no AMX";
  for (const TileCase& x : tile_cases()) {
    TileData data(x);
    const auto a = rounded(data.a), b = rounded(data.b);
    const auto left = data.left(x, a.data(), data.lda);
    for (std::int64_t i = 0; i < x.m; ++i) {
      for (std::int64_t j = 0; j < x.n; ++j) {
        float& c = data.c[static_cast<std::size_t>(i * data.ldc + j)];
        const float from = x.start == TileStart::zero   ? 0
                           : x.start == TileStart::bias ? data.bias[static_cast<std::size_t>(j)]
                                                        : c;
        c = amx_element(
            x.k, [&](std::int64_t p) { return left.data[i * left.row + p * left.column]; },
            [&](std::int64_t p) { return b[static_cast<std::size_t>(p * data.ldb + j)]; }, from);
      }
    }
    ASSERT_EQ(by_pairs(x, amx_tile_product), data.c) << name_of(x);
  }
}

TEST(Bf16, AProductOfAKernelRoundsAndTakesTheUnitThatIsHere) {
  PairProduct* here = tile_product;
  if (has_amx()) here = amx_tile_product;
  for (const TileCase& x : tile_cases()) {
    TileData data(x), plain(x);
    TileProduct<float> in_bf16(true), in_f32(false);
    const auto left = data.left(x, data.a.data(), data.lda);
    in_bf16(x.start, x.m, x.n, x.k, left, data.b.data(), data.ldb, data.c.data(), data.ldc, data.bias.data());
    ASSERT_EQ(data.c, by_pairs(x, here)) << name_of(x);
    auto unrounded = plain.c;
    in_f32(x.start, x.m, x.n, x.k, left, data.b.data(), data.ldb, plain.c.data(), data.ldc, data.bias.data());
    tile_product(x.start, x.m, x.n, x.k, left, data.b.data(), data.ldb, unrounded.data(), data.ldc,
                 data.bias.data());
    ASSERT_EQ(plain.c, unrounded) << name_of(x);
  }
}

}  // namespace
}  // namespace lrurec
