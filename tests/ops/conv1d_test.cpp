#include "ops/conv1d/conv1d.h"

#include "tests/support/compositions.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_difference;
using test::random_normal;
using Offsets = std::vector<std::int64_t>;

TEST(Conv1d, HasPyTorchsValuesAndGradients) {
  Variable x(Tensor::from(std::vector<double>{1, 2, 3, -1, -2, 0.5, 4, 1}, {4, 2}), true);
  // There [D, 1, K]: [[1, 2, 3]], [[-1, 0.5, 0.25]].
  Variable weight(Tensor::from(std::vector<double>{3, 0.25, 2, 0.5, 1, -1}, {3, 2}), true);
  Variable bias(Tensor::from(std::vector<double>{0.1, 0.2}), true);
  const Variable y = conv1d(x, weight, Tensor::from(Offsets{0, 4}), bias);
  backward({y}, {Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}, {4, 2})});
  const auto expect = [](const Tensor& found, const std::vector<double>& values) {
    EXPECT_LE(max_difference(found, Tensor::from(values, found.shape())), 1e-14);
  };
  expect(y.value(), {3.1, 0.7, 11.1, 0.95, 1.1, -2.175, 11.1, 1.7});
  expect(x.grad(), {14, -3.5, 26, -4, 29, 5.5, 21, 2});
  expect(weight.grad(), {28, 11, 4, 6, 26, 4});
  expect(bias.grad(), {16, 20});
}

TEST(Conv1d, IsTheSumOfItsShifts) {
  const Offsets offsets{0, 0, 1, 3, 3, 66, 130, 195, 1195, 1195};
  for (const std::int64_t K : {1, 2, 4, 7}) {
    const Tensors inputs{random_normal({offsets.back(), 19}, DType::f64, 1),
                         random_normal({K, 19}, DType::f64, 2), random_normal({19}, DType::f64, 3)};
    const double difference = test::largest_difference(
        inputs,
        [&](const Variables& x) { return Variables{conv1d(x[0], x[1], Tensor::from(offsets), x[2])}; },
        [&](const Variables& x) {
          return Variables{conv1d_composed(x[0], x[1], Tensor::from(offsets), x[2])};
        });
    EXPECT_LE(difference, 1e-11) << K;
  }
}

// What conv1d.h says of steps of inference.
TEST(Conv1d, GoesOnFromTheLastInputs) {
  constexpr std::int64_t length = 9, K = 4, D = 3;
  const Tensor weight = random_normal({K, D}, DType::f64, 2), bias = random_normal({D}, DType::f64, 3);
  const Tensor x = random_normal({length, D}, DType::f64, 1);
  const Tensor whole = raw::conv1d(x, weight, Tensor::from(Offsets{0, length}), bias);
  for (std::int64_t t = K - 1; t < length; ++t) {
    const Tensor window = x.slice(0, t - K + 1, t + 1);
    const Tensor y = raw::conv1d(window, weight, Tensor::from(Offsets{0, K}), bias);
    EXPECT_EQ(max_difference(y.select(0, K - 1), whole.select(0, t)), 0) << t;
  }
}

TEST(Conv1d, SaysWhichShapesItTakes) {
  const Tensor x = Tensor::zeros({4, 3}, DType::f32), weight = Tensor::zeros({2, 3}, DType::f32);
  const Tensor offsets = Tensor::from(Offsets{0, 4});
  expect_error(ErrorKind::internal, "[conv1d] x: f32 [4, 3] and weight: f32 [3, 2]", [&] {
    raw::conv1d(x, Tensor::zeros({3, 2}, DType::f32), offsets);
  });
  expect_error(ErrorKind::internal, "K > 0", [&] {
    raw::conv1d(x, Tensor::zeros({0, 3}, DType::f32), offsets);
  });
  expect_error(ErrorKind::internal, "bias: f32 [2] must be f32 [3]",
               [&] { raw::conv1d(x, weight, offsets, Tensor::zeros({2}, DType::f32)); });
  expect_error(ErrorKind::internal, "x has 4 tokens", [&] {
    raw::conv1d(x, weight, Tensor::from(Offsets{0, 5}));
  });
}

}  // namespace
}  // namespace lrurec::ops
