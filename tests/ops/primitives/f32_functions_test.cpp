#include "ops/primitives/f32_functions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "ops/primitives/formulas.h"

namespace lrurec {
namespace {

using Batch = xsimd::batch<float>;
#ifdef LRUREC_X86_FMA
constexpr double exp_ulp = 1.0;
#else
constexpr double exp_ulp = 1.2;
#endif
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

float first(const Batch& x) { return x.get(0); }
float fast_exp_of(float x) { return first(fast_exp(Batch(x))); }
float erf_of(float x) { return first(erf_and_gauss(Batch(x)).erf); }
float gauss_of(float x) { return first(erf_and_gauss(Batch(x)).gauss); }

/// The largest error on [low, high], in units of the last place of the exact value.
double worst_ulp(float low, float high, const std::function<float(float)>& f,
                 const std::function<long double(long double)>& exact) {
  const int n = 400000;
  double worst = 0;
  for (int i = 0; i <= n; ++i) {
    const float x = low + (high - low) * (static_cast<float>(i) / static_cast<float>(n));
    const long double y = exact(x);
    const int exponent =
        std::max(std::ilogb(static_cast<float>(y)), std::numeric_limits<float>::min_exponent - 1);
    const long double ulp = std::ldexp(1.0L, exponent - 23);
    worst = std::max(worst, static_cast<double>(std::abs(f(x) - y) / ulp));
  }
  return worst;
}

TEST(F32Functions, ExpIsWithinOneUlp) {
  const auto exact = [](long double x) { return std::exp(x); };
  EXPECT_LE(worst_ulp(-87.3F, 0, fast_exp_of, exact), exp_ulp);
  EXPECT_LE(worst_ulp(0, 87.9F, fast_exp_of, exact), exp_ulp);
  EXPECT_LE(worst_ulp(-1e-3F, 1e-3F, fast_exp_of, exact), exp_ulp);
}

TEST(F32Functions, ErfIsWithinOneAndAHalfUlp) {
  const auto exact = [](long double x) { return std::erf(x); };
  EXPECT_LE(worst_ulp(-1, 1, erf_of, exact), 1.5);
  EXPECT_LE(worst_ulp(0.99F, 1.01F, erf_of, exact), 1.5);
  EXPECT_LE(worst_ulp(1, 6, erf_of, exact), 1.5);
  EXPECT_LE(worst_ulp(-6, -1, erf_of, exact), 1.5);
  EXPECT_LE(worst_ulp(1e-30F, 1e-3F, erf_of, exact), 1.5);
}

// e^(-x^2) from a rounded x^2: x^2 times the rounding, and e^x's own.
TEST(F32Functions, GaussHasTheErrorOfItsArgument) {
  const auto exact = [](long double x) { return std::exp(-x * x); };
  EXPECT_LE(worst_ulp(-1, 1, gauss_of, exact), 2.0);
  EXPECT_LE(worst_ulp(-9, 9, gauss_of, exact), 90.0);
}

TEST(F32Functions, Edges) {
  EXPECT_EQ(fast_exp_of(0.F), 1.F);
  EXPECT_EQ(fast_exp_of(-0.F), 1.F);
  EXPECT_EQ(fast_exp_of(-88.F), 0.F);
  EXPECT_EQ(fast_exp_of(-1e30F), 0.F);
  EXPECT_EQ(fast_exp_of(-infinity), 0.F);
  EXPECT_TRUE(std::isnan(fast_exp_of(nan)));
  EXPECT_FALSE(std::isfinite(fast_exp_of(infinity)));
  EXPECT_EQ(erf_of(infinity), 1.F);
  EXPECT_EQ(erf_of(-infinity), -1.F);
  EXPECT_EQ(erf_of(1e30F), 1.F);
  EXPECT_EQ(gauss_of(-infinity), 0.F);
  EXPECT_TRUE(std::isnan(erf_of(nan)));
  EXPECT_TRUE(std::isnan(gauss_of(nan)));
  EXPECT_EQ(erf_of(0.F), 0.F);
  EXPECT_TRUE(std::signbit(erf_of(-0.F)));
}

/// What is made of them: gelu to an error of Phi's last place, absolute.
TEST(F32Functions, GeluAndItsSlope) {
  for (float z = -8; z <= 8; z += 0.001F) {
    const long double cdf = (1 + std::erf(z / std::sqrt(2.0L))) / 2;
    const long double density =
        std::exp(-static_cast<long double>(z) * z / 2) / std::sqrt(8 * std::atan(1.0L));
    const auto at = formulas::gelu_and_slope(Batch(z));
    EXPECT_NEAR(first(at.gelu), z * cdf, 1.5e-7 * std::max(1.F, std::abs(z)));
    EXPECT_NEAR(first(at.slope), cdf + z * density, 3e-7);
    EXPECT_EQ(first(formulas::gelu(Batch(z))), first(at.gelu));
  }
}

}  // namespace
}  // namespace lrurec
