#include "ops/primitives/dropout_mask.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lrurec
