#include "ops/rms_norm/rms_norm.h"

#include <cmath>

#include "tests/support/compositions.h"
#include "tests/support/devices.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_difference;
using test::random_normal;

TEST(RmsNorm, HasPyTorchsValuesAndGradients) {
  Variable x(Tensor::from(std::vector<double>{1, -2, 3, 0.5, 4, -1}, {2, 3}), true);
  Variable weight(Tensor::from(std::vector<double>{0.5, 2, -1}), true);
  const Variable y = rms_norm(x, weight, 1e-5);
  backward({y}, {Tensor::from(std::vector<double>{1, 2, 3, -1, 0.5, 2}, {2, 3})});
  const auto expect = [](const Tensor& found, const std::vector<double>& values) {
    EXPECT_LE(max_difference(found, Tensor::from(values, found.shape())), 1e-14);
  };
  expect(y.value(), {0.2314547769560097, -1.8516382156480775, -1.3887286617360581, 0.1042571163702147,
                     3.336227723846872, 0.417028465480859});
  expect(x.grad(), {0.7770255821291643, 0.7604966053017683, 0.2479837537834058, -0.2780188561096334,
                    -0.1390085214727728, -0.69504768422331});
  expect(weight.grad(), {0.2543953211715899, -1.0175812846863597, 3.3321290542464563});
}

TEST(RmsNorm, IsItsComposition) {
  for (const Shape& shape : {Shape{5, 64}, Shape{3, 2, 7}, Shape{1100, 3}, Shape{2, 1500}}) {
    const Tensors inputs{random_normal(shape, DType::f64, 1), random_normal({shape.at(-1)}, DType::f64, 2)};
    const double difference = test::largest_difference(
        inputs, [](const Variables& x) { return Variables{rms_norm(x[0], x[1])}; },
        [](const Variables& x) { return Variables{rms_norm_composed(x[0], x[1])}; });
    EXPECT_LE(difference, 1e-11) << shape.str();
  }
}

TEST(RmsNorm, SaysWhichShapesItTakes) {
  expect_error(ErrorKind::internal, "[rms_norm] x: f32 [2, 3], weight: f32 [2]", [] {
    raw::rms_norm(Tensor::zeros({2, 3}, DType::f32), Tensor::zeros({2}, DType::f32));
  });
}

// Rows in registers of every layout, and wider ones; widths that do and do not go in fours.
TEST(RmsNormCuda, OfAnyWidthIsTheCpus) {
  LRUREC_NEEDS_GPU();
  for (const std::int64_t width : {1, 6, 60, 64, 100, 256, 300, 512, 1024, 1028}) {
    const Tensors inputs{random_normal({37, width}, DType::f64, 1), random_normal({width}, DType::f64, 2)};
    const auto norm = [](const Variables& x) { return Variables{rms_norm(x[0], x[1])}; };
    const auto run = [&](Device device) {
      Variables x;
      for (const Tensor& t : inputs) x.emplace_back(t.contiguous().to(device), true);
      const Variable y = norm(x)[0];
      backward({y}, {random_normal(y.shape(), DType::f64, 3).contiguous().to(device)});
      return Tensors{y.value().host(), x[0].grad().host(), x[1].grad().host()};
    };
    test::in_every_thread_order([&] {
      const Tensors found = run(test::gpu), expected = run({});
      for (std::size_t k = 0; k < found.size(); ++k) {
        EXPECT_LE(max_difference(found[k], expected[k]), 1e-12) << width << ", result " << k;
      }
    });
  }
}

TEST(RmsNormCuda, ANanIsNotHidden) {
  LRUREC_NEEDS_GPU();
  for (const std::int64_t width : {4, 6}) {  // rows in registers, and any
    Tensor x = Tensor::full({2, width}, 3, DType::f32);
    x.data<float>()[width + 1] = NAN;
    const auto y =
        raw::rms_norm(x.to(test::gpu), Tensor::full({width}, 1, DType::f32, test::gpu)).to_vector<float>();
    for (std::int64_t i = 0; i < 2 * width; ++i) {
      EXPECT_EQ(std::isnan(y[static_cast<std::size_t>(i)]), i >= width) << width << ", element " << i;
    }
  }
}

}  // namespace
}  // namespace lrurec::ops
