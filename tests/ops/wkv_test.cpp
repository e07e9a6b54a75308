#include "ops/wkv/wkv.h"

#include <cmath>

#include "ops/elementwise/elementwise.h"
#include "ops/shift/shift.h"
#include "tests/support/compositions.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::largest_difference;
using test::max_difference;
using test::random_normal;
using Offsets = std::vector<std::int64_t>;

Tensors inputs(std::int64_t n, std::int64_t H, DType dtype = DType::f64) {
  return {random_normal({n, H}, dtype, 1), random_normal({n, H}, dtype, 2),
          raw::exp(random_normal({H}, dtype, 3)), random_normal({H}, dtype, 4)};
}

TEST(Shift, IsTheTokenBefore) {
  const Variable x(Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}, {4, 2}));
  const auto y = shift(x, Tensor::from(Offsets{0, 0, 3, 4})).value().to_vector<double>();
  EXPECT_EQ(y, (std::vector<double>{0, 0, 1, 2, 3, 4, 0, 0}));
  expect_error(ErrorKind::internal, "[shift] offsets", [&] { shift(x, Tensor::from(Offsets{0, 5})); });
}

TEST(Wkv, IsItsCompositionAtAwkwardLengths) {
  for (const Offsets& offsets : {Offsets{0, 1}, Offsets{0, 0, 7, 8, 8, 40}, Offsets{0, 200}}) {
    const Tensor at = Tensor::from(offsets);
    const double difference = largest_difference(
        inputs(offsets.back(), 19),
        [&](const Variables& x) { return Variables{wkv(x[0], x[1], x[2], x[3], at)}; },
        [&](const Variables& x) { return Variables{wkv_composed(x[0], x[1], x[2], x[3], at)}; });
    EXPECT_LE(difference, 1e-12) << offsets.back();
  }
}

// Two tokens: the second sees the first with weight e^k1 and itself with e^(u + k2).
TEST(Wkv, TwoTokensByHand) {
  const double k1 = 0.3, k2 = -0.4, v1 = 2, v2 = 5, u = 0.7;
  const auto column = [](std::vector<double> x) { return Variable(Tensor::from(x, {std::ssize(x), 1})); };
  const auto one = [](double x) { return Variable(Tensor::from(std::vector<double>{x})); };
  const auto y = wkv(column({k1, k2}), column({v1, v2}), one(0.9), one(u), Tensor::from(Offsets{0, 2}))
                     .value()
                     .to_vector<double>();
  const double first = std::exp(k1), second = std::exp(u + k2);
  EXPECT_DOUBLE_EQ(y[0], v1);
  EXPECT_NEAR(y[1], (first * v1 + second * v2) / (first + second), 1e-15);
}

// e^k of the composition overflows here; adding a constant to all k changes nothing.
TEST(Wkv, LargeKeysAreStable) {
  const Tensor at = Tensor::from(Offsets{0, 30, 50});
  for (const DType dtype : {DType::f32, DType::f64}) {
    const double difference = largest_difference(
        inputs(50, 5, dtype), [&](const Variables& x) { return Variables{wkv(x[0], x[1], x[2], x[3], at)}; },
        [&](const Variables& x) {
          return Variables{wkv(x[0] + Variable(Tensor::full({1}, dtype == DType::f32 ? 1000 : 100000, dtype)),
                               x[1], x[2], x[3], at)};
        });
    EXPECT_LE(difference, dtype == DType::f32 ? 5e-3 : 1e-9);  // of k, rounded to 1000's precision
  }
}

TEST(Wkv, ACarriedStateContinuesASequence) {
  const Tensors x = inputs(9, 19, DType::f32);
  const auto part = [&](std::int64_t from, std::int64_t to, const Tensor& state) {
    return raw::wkv(x[0].slice(0, from, to), x[1].slice(0, from, to), x[2], x[3],
                    Tensor::from(Offsets{0, to - from}), state);
  };
  const auto whole = part(0, 9, {}), first = part(0, 4, {}), second = part(4, 9, first.state);
  EXPECT_EQ(max_difference(whole.y.slice(0, 0, 4).contiguous(), first.y), 0);
  EXPECT_EQ(max_difference(whole.y.slice(0, 4, 9).contiguous(), second.y), 0);
  EXPECT_EQ(max_difference(whole.state, second.state), 0);
  EXPECT_EQ(max_difference(raw::wkv_state(1, 19, DType::f32, {}), part(0, 0, {}).state), 0);
}

TEST(Wkv, RefusesWhatDoesNotFit) {
  const Tensors x = inputs(4, 2);
  expect_error(ErrorKind::internal, "[wkv] k", [&] {
    raw::wkv(x[0], x[1], x[2].slice(0, 0, 1), x[3], Tensor::from(Offsets{0, 4}));
  });
  expect_error(ErrorKind::internal, "[wkv] state", [&] {
    raw::wkv(x[0], x[1], x[2], x[3], Tensor::from(Offsets{0, 4}), Tensor::zeros({2, 6}, DType::f64));
  });
}

}  // namespace
}  // namespace lrurec::ops
