#include "ops/primitives/simd.h"

#include <gtest/gtest.h>

#include <vector>

namespace lrurec {
namespace {

template <class T>
class Folds : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Folds, Reals);

// Whole numbers, so that every order of summation gives the same.
TYPED_TEST(Folds, TakeEveryElementOnceAtEveryLength) {
  for (std::int64_t n = 0; n <= 70; ++n) {
    std::vector<TypeParam> x, y;
    TypeParam total = 0, product = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      x.push_back(static_cast<TypeParam>(i * i % 31 - 7)), y.push_back(static_cast<TypeParam>(i % 5 - 2));
      total += x.back(), product += x.back() * y.back();
    }
    EXPECT_EQ(sum(n, x.data()), total) << n;
    EXPECT_EQ(dot(n, x.data(), y.data()), product) << n;
    for (std::size_t top = 0; top < x.size(); ++top) {  // the largest in every place
      auto z = x;
      z[top] = 100;
      EXPECT_EQ(largest(n, z.data()), TypeParam(100)) << n << " " << top;
    }
  }
  EXPECT_EQ(largest<TypeParam>(0, nullptr), -std::numeric_limits<TypeParam>::infinity());
}

}  // namespace
}  // namespace lrurec
