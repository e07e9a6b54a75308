#include "ops/primitives/dropout_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace lrurec {
namespace {

/// What kernels draw, four factors or one at a time, against the mask that is applied to whole rows.
template <class R>
void expect_factors_equal_the_mask(double p) {
  const DropoutMask mask(Philox(7, 0x1234567890abcdef), p);
  const std::int64_t first = 12, n = 203;
  std::vector<R> applied(n, R(1)), fours(n), ones(n);
  mask.apply(first, n, applied.data());
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t element = first + i;
    const auto factors = mask.factors<R>(static_cast<std::uint64_t>(element / 4));
    fours[static_cast<std::size_t>(i)] = factors[static_cast<std::size_t>(element % 4)];
    ones[static_cast<std::size_t>(i)] = mask.factor<R>(element);
  }
  EXPECT_EQ(std::memcmp(applied.data(), fours.data(), n * sizeof(R)), 0) << p;
  EXPECT_EQ(std::memcmp(applied.data(), ones.data(), n * sizeof(R)), 0) << p;
  EXPECT_EQ(mask.keeps_all(), p == 0);
}

TEST(DropoutMask, FactorsOfKernelsAreThoseOfTheMask) {
  for (const double p : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    expect_factors_equal_the_mask<float>(p);
    expect_factors_equal_the_mask<double>(p);
  }
}

/// Kept is 1 - p of all elements, within five standard deviations, and the mean of all factors is 1.
TEST(DropoutMask, KeepsOneMinusP) {
  const std::int64_t n = 1 << 20;
  for (const double p : {0.001, 0.2, 0.6, 0.999}) {
    std::vector<double> ones(n, 1);
    DropoutMask(Philox(3, 4), p).apply(0, n, ones.data());
    const auto dropped = static_cast<double>(std::count(ones.begin(), ones.end(), 0.0));
    EXPECT_NEAR(dropped / n, p, 5 * std::sqrt(p * (1 - p) / n)) << p;
    const double kept = *std::max_element(ones.begin(), ones.end());
    EXPECT_NEAR(kept, 1 / (1 - p), kept * std::ldexp(1 / (1 - p), -17)) << p;
  }
}

// p is a whole multiple of 2^-16: what is nearer to 0 keeps all, what is near to 1 still keeps some.
TEST(DropoutMask, ProbabilitiesAreRounded) {
  const std::int64_t n = 1 << 20;
  std::vector<double> ones(n, 1);
  EXPECT_TRUE(DropoutMask(Philox(3, 4), 1e-6).keeps_all());
  DropoutMask(Philox(3, 4), 1e-6).apply(0, n, ones.data());
  EXPECT_EQ(std::count(ones.begin(), ones.end(), 1.0), n);
  DropoutMask(Philox(3, 4), 1 - 1e-6).apply(0, n, ones.data());
  EXPECT_NEAR(static_cast<double>(std::count(ones.begin(), ones.end(), 65536.0)), 16, 5 * 4);
  EXPECT_GT(std::count(ones.begin(), ones.end(), 65536.0), 0);
}

TEST(DropoutMask, MayWriteElsewhere) {
  const DropoutMask mask(Philox(7, 8), 0.3);
  const std::vector<float> x(300, 2);
  std::vector<float> elsewhere(300), in_place = x;
  mask.apply(5, 300, x.data(), elsewhere.data());
  mask.apply(5, 300, in_place.data());
  EXPECT_EQ(elsewhere, in_place);
}

}  // namespace
}  // namespace lrurec
