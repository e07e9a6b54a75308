#include "ops/diagonal_ssm/diagonal_ssm.h"

#include "ops/elementwise/elementwise.h"
#include "tests/support/compositions.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::largest_difference;
using test::max_difference;
using test::random_normal;
using Offsets = std::vector<std::int64_t>;

/// u, lambda of modulus below 1, c.
Tensors diagonal_inputs(std::int64_t n, std::int64_t H, std::int64_t N, DType dtype = DType::f64) {
  const DType complex = complex_of(dtype);
  return {random_normal({n, H}, dtype, 1),
          raw::mul(random_normal({H, N}, complex, 2), Tensor::full({1}, 0.3, complex)),
          random_normal({H, N}, complex, 3)};
}

TEST(DiagonalSsm, IsItsCompositionAtAwkwardSizes) {
  for (const Offsets& offsets : {Offsets{0, 1}, Offsets{0, 0, 7, 8, 8, 40}, Offsets{0, 130}}) {
    for (const auto& [H, N] : {std::pair{1, 1}, std::pair{19, 5}, std::pair{3, 33}}) {
      const Tensor at = Tensor::from(offsets);
      const double difference = largest_difference(
          diagonal_inputs(offsets.back(), H, N),
          [&](const Variables& x) { return Variables{diagonal_ssm(x[0], x[1], x[2], at)}; },
          [&](const Variables& x) { return Variables{diagonal_ssm_composed(x[0], x[1], x[2], at)}; });
      EXPECT_LE(difference, 1e-12) << offsets.back() << " " << H << " " << N;
    }
  }
}

// An impulse shows the kernel of the convolution: 2 Re(c lambda^t).
TEST(DiagonalSsm, AnImpulseShowsItsKernel) {
  const std::complex<double> lambda(0.5, 0.6), c(1.5, -0.7);
  const Tensor u = Tensor::from(std::vector<double>{1, 0, 0, 0, 0}, {5, 1});
  const auto pair = [](std::complex<double> z) {
    return Tensor::from(std::vector<double>{z.real(), z.imag()}, {1, 1, 2}).view_as_complex();
  };
  const auto y =
      raw::diagonal_ssm(u, pair(lambda), pair(c), Tensor::from(Offsets{0, 5})).y.to_vector<double>();
  for (std::size_t t = 0; t < y.size(); ++t) {
    EXPECT_NEAR(y[t], 2 * (c * std::pow(lambda, static_cast<double>(t))).real(), 1e-14);
  }
}

TEST(DiagonalSsm, ACarriedStateContinuesASequence) {
  const Tensors x = diagonal_inputs(9, 19, 6, DType::f32);
  const auto part = [&](std::int64_t from, std::int64_t to, const Tensor& state) {
    return raw::diagonal_ssm(x[0].slice(0, from, to), x[1], x[2], Tensor::from(Offsets{0, to - from}), state);
  };
  const auto whole = part(0, 9, {}), first = part(0, 4, {}), second = part(4, 9, first.state);
  EXPECT_EQ(max_difference(whole.y.slice(0, 0, 4).contiguous(), first.y), 0);
  EXPECT_EQ(max_difference(whole.y.slice(0, 4, 9).contiguous(), second.y), 0);
  EXPECT_EQ(max_difference(whole.state, second.state), 0);
}

TEST(DiagonalSsm, RefusesWhatDoesNotFit) {
  const Tensors x = diagonal_inputs(4, 2, 3);
  expect_error(ErrorKind::internal, "[diagonal_ssm] u", [&] {
    raw::diagonal_ssm(x[0], x[0], x[2], Tensor::from(Offsets{0, 4}));
  });
  expect_error(ErrorKind::internal, "[diagonal_ssm] state", [&] {
    raw::diagonal_ssm(x[0], x[1], x[2], Tensor::from(Offsets{0, 4}), Tensor::zeros({1, 5}, DType::c128));
  });
}

}  // namespace
}  // namespace lrurec::ops
