#include "ops/dplr_ssm/dplr_ssm.h"

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

/// u, a, e, f, b, c: small enough for states not to grow.
Tensors dplr_inputs(std::int64_t n, std::int64_t H, std::int64_t N, DType dtype = DType::f64) {
  const DType complex = complex_of(dtype);
  const auto small = [&](std::uint64_t seed, double scale) {
    return raw::mul(random_normal({H, N}, complex, seed), Tensor::full({1}, scale, complex));
  };
  const double share = 0.2 / static_cast<double>(N);
  return {random_normal({n, H}, dtype, 1),
          small(2, 0.3),
          small(3, share),
          small(4, 0.5),
          small(5, 1),
          small(6, 1)};
}

DplrMatrices matrices(const Variables& x) { return {x[1], x[2], x[3], x[4], x[5]}; }
DplrMatrices matrices(const Tensors& x) {
  return {Variable(x[1]), Variable(x[2]), Variable(x[3]), Variable(x[4]), Variable(x[5])};
}

TEST(DplrSsm, IsItsCompositionAtAwkwardSizes) {
  for (const Offsets& offsets : {Offsets{0, 1}, Offsets{0, 0, 7, 8, 8, 20}, Offsets{0, 60}}) {
    for (const auto& [H, N] : {std::pair{1, 1}, std::pair{19, 5}, std::pair{3, 33}}) {
      const Tensor at = Tensor::from(offsets);
      const double difference = largest_difference(
          dplr_inputs(offsets.back(), H, N),
          [&](const Variables& x) { return Variables{dplr_ssm(x[0], matrices(x), at)}; },
          [&](const Variables& x) { return Variables{dplr_ssm_composed(x[0], matrices(x), at)}; });
      EXPECT_LE(difference, 1e-11) << offsets.back() << " " << H << " " << N;
    }
  }
}

// Without its low rank it is diagonal_ssm.
TEST(DplrSsm, WithoutItsLowRankIsDiagonal) {
  Tensors x = dplr_inputs(30, 5, 4);
  x[2] = Tensor::zeros({5, 4}, DType::c128);
  x[4] = Tensor::full({5, 4}, 1, DType::c128);
  const Tensor at = Tensor::from(Offsets{0, 11, 30});
  EXPECT_LE(max_difference(raw::dplr_ssm(x[0], matrices(x), at).y, raw::diagonal_ssm(x[0], x[1], x[5], at).y),
            1e-13);
}

TEST(DplrSsm, ACarriedStateContinuesASequence) {
  const Tensors x = dplr_inputs(9, 19, 6, DType::f32);
  const auto part = [&](std::int64_t from, std::int64_t to, const Tensor& state) {
    return raw::dplr_ssm(x[0].slice(0, from, to), matrices(x), Tensor::from(Offsets{0, to - from}), state);
  };
  const auto whole = part(0, 9, {}), first = part(0, 4, {}), second = part(4, 9, first.state);
  EXPECT_EQ(max_difference(whole.y.slice(0, 0, 4).contiguous(), first.y), 0);
  EXPECT_EQ(max_difference(whole.y.slice(0, 4, 9).contiguous(), second.y), 0);
  EXPECT_EQ(max_difference(whole.state, second.state), 0);
}

TEST(DplrSsm, RefusesWhatDoesNotFit) {
  Tensors x = dplr_inputs(4, 2, 3);
  const Tensor at = Tensor::from(Offsets{0, 4});
  expect_error(ErrorKind::internal, "[dplr_ssm] state", [&] {
    raw::dplr_ssm(x[0], matrices(x), at, Tensor::zeros({1, 5}, DType::c128));
  });
  x[4] = Tensor::zeros({2, 2}, DType::c128);
  expect_error(ErrorKind::internal, "[dplr_ssm] e, f, b and c",
               [&] { raw::dplr_ssm(x[0], matrices(x), at); });
  x[1] = x[0];
  expect_error(ErrorKind::internal, "[dplr_ssm] u", [&] { raw::dplr_ssm(x[0], matrices(x), at); });
}

}  // namespace
}  // namespace lrurec::ops
