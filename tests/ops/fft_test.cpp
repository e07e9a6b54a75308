#include "ops/fft/fft.h"

#include <limits>
#include <numbers>

#include "ops/elementwise/elementwise.h"
#include "ops/shape/shape_ops.h"
#include "ops/spectral_filter/spectral_filter.h"
#include "tests/support/compositions.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_difference;
using test::random_normal;

/// The sum itself, of one row.
std::vector<c128> by_the_sum(const std::vector<c128>& x, double sign) {
  const auto n = static_cast<double>(x.size());
  std::vector<c128> y(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    for (std::size_t t = 0; t < x.size(); ++t) {
      const auto turns = static_cast<double>(k * t % x.size()) / n;
      y[k] += x[t] * std::polar(1.0, sign * 2 * std::numbers::pi * turns);
    }
  }
  return y;
}

TEST(Fourier, IsTheSumAtAnyLength) {
  for (const std::int64_t n : {1, 2, 3, 4, 5, 7, 8, 12, 30, 49, 64, 97, 128, 200, 1000, 1009}) {
    const Tensor z = random_normal({2, n}, DType::c128, 1), x = random_normal({2, n}, DType::f64, 2);
    const double tolerance = 1e-12 * static_cast<double>(n);
    for (std::int64_t row = 0; row < 2; ++row) {
      const auto of = [&](const Tensor& t, double sign) {
        return Tensor::from(by_the_sum(test::values(t.select(0, row)), sign));
      };
      EXPECT_LE(max_difference(raw::fft(z).select(0, row), of(z, -1)), tolerance) << n;
      const Tensor unscaled = raw::mul(raw::ifft(z), Tensor::scalar(static_cast<double>(n)));
      EXPECT_LE(max_difference(unscaled.select(0, row), of(z, 1)), tolerance) << n;
      EXPECT_LE(max_difference(raw::fft(raw::ifft(z)), z), tolerance) << n;
      EXPECT_LE(max_difference(raw::fft(x).select(0, row), of(x, -1)), tolerance) << n;
      EXPECT_LE(max_difference(raw::rfft(x).select(0, row), of(x, -1).slice(0, 0, n / 2 + 1)), tolerance)
          << n;
    }
    EXPECT_LE(max_difference(raw::irfft(raw::rfft(x), n), x), tolerance) << n;
    EXPECT_EQ(raw::irfft(raw::rfft(x), n).dtype(), DType::f64);
  }
}

TEST(Fourier, HasPyTorchsScaleAndGradients) {
  const auto near = [](const Tensor& found, const std::vector<c128>& values) {
    EXPECT_LE(max_difference(found, Tensor::from(values, found.shape())), 1e-14);
  };
  const std::vector<c128> half{{1, 1}, {2, -1}, {0.5, 3}};
  Variable even(Tensor::from(half), true), odd(Tensor::from(half), true);
  const Variable four = irfft(even), five = irfft(odd, 5);
  near(four.value(), {1.375, 0.625, -0.625, -0.375});
  near(five.value(), {1.2, -0.0395094996079381, 0.9909717238462052, -1.761792117096142, 0.6103298928578751});
  backward({four, five}, {Tensor::from(std::vector<double>{1, 2, 3, -1}),
                          Tensor::from(std::vector<double>{1, 2, 3, -1, 0.5})});
  near(even.grad(), {{1.25, 0}, {-1, -1.5}, {0.75, 0}});
  near(odd.grad(),
       {{1.1, 0}, {0.0618033988749895, -1.5110903134450493}, {-0.1618033988749893, 1.1690192746967618}});
  Variable x(Tensor::from(std::vector<double>{1, 2, -1, 0.5, 3}), true);
  const Variable y = rfft(x);
  backward({y}, {Tensor::from(half)});
  near(x.grad(), {3.5, 0.4012262509801551, 2.9774293096155127, -3.904480292740355, 2.025824732144687});
  const Tensor inverse = raw::ifft(x.value()), back = raw::fft(inverse);
  near(inverse.slice(0, 0, 1), {1.1});  // the mean: an inverse divides by n
  near(back, {1, 2, -1, 0.5, 3});
}

TEST(Fourier, OfTheFirstAndTheMiddleValueAnInverseTakesTheRealPartAlone) {
  for (const double other : {1e15, std::numeric_limits<double>::quiet_NaN()}) {
    const std::vector<c128> plain{{1, 0}, {2, -1}, {0.5, 3}, {4, 0}},
        with{{1, other}, {2, -1}, {0.5, 3}, {4, other}};
    EXPECT_EQ(max_difference(raw::irfft(Tensor::from(with)), raw::irfft(Tensor::from(plain))), 0);
    const std::vector<c128> odd{{1, other}, {2, -1}, {0.5, 3}}, odd_plain{{1, 0}, {2, -1}, {0.5, 3}};
    EXPECT_EQ(max_difference(raw::irfft(Tensor::from(odd), 5), raw::irfft(Tensor::from(odd_plain), 5)), 0);
  }
}

TEST(Fourier, MakesTheSpectralFilter) {
  // Lengths of every kind of factor; channels that fill vectors, and that do not; sequences in one part and
  // in several.
  for (const auto& [S, L, C] :
       {std::tuple{3, 6, 4}, std::tuple{9, 7, 35}, std::tuple{3, 50, 16}, std::tuple{2, 1, 1},
        std::tuple{1, 2, 9}, std::tuple{20, 24, 3}, std::tuple{2, 121, 8}}) {
    const Tensors inputs{random_normal({S, L, C}, DType::f64, 1),
                         random_normal({L / 2 + 1, C}, DType::c128, 2)};
    const double difference = test::largest_difference(
        inputs, [](const Variables& x) { return Variables{spectral_filter(x[0], x[1])}; },
        [L = L](const Variables& x) {
          const Variable X = rfft(transpose(x[0], 1, 2));
          return Variables{transpose(irfft(X * transpose(x[1], 0, 1), L), 1, 2)};
        });
    EXPECT_LE(difference, 1e-12) << L;
  }
}

TEST(Fourier, SaysWhatItTakes) {
  expect_error(ErrorKind::internal, "[rfft] x: c64 must be real",
               [] { raw::rfft(Tensor::zeros({4}, DType::c64)); });
  expect_error(ErrorKind::internal, "[irfft] x: c64 [4] must be complex [..., n / 2 + 1] for n = 5",
               [] { raw::irfft(Tensor::zeros({4}, DType::c64), 5); });
  expect_error(ErrorKind::internal, "[irfft] x: f32 [4] must be complex",
               [] { raw::irfft(Tensor::zeros({4}, DType::f32)); });
  expect_error(ErrorKind::internal, "[irfft] x: c64 [1] has one value: say n = 1",
               [] { raw::irfft(Tensor::zeros({1}, DType::c64)); });
  expect_error(ErrorKind::internal, "at least one place", [] {
    raw::fft(Tensor::zeros({2, 0}, DType::c64));
  });
}

}  // namespace
}  // namespace lrurec::ops
