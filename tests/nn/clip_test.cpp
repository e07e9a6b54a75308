#include "nn/optim/clip.h"

#include <cmath>

#include "nn/layers.h"
#include "tests/support/tensors.h"
#include "tests/support/variables.h"

namespace lrurec::nn {
namespace {

using test::expect_error;
using test::leaf;

TEST(Clip, ScalesTheWholeGradientToTheNorm) {
  Variable x = leaf({0, 0}), z(Tensor::zeros({1}, DType::c128), true);
  x.set_grad(Tensor::from(std::vector<double>{6, 0}));
  z.set_grad(Tensor::from(std::vector<c128>{{0, 8}}));
  const std::vector<NamedParameter> all{{"x", x}, {"z", z}};
  EXPECT_DOUBLE_EQ(clip_gradient_norm(all, 5), 10);
  EXPECT_NEAR(gradient_norm(all), 5, 1e-6);
  EXPECT_NEAR(x.grad().to_vector<double>()[0], 3, 1e-6);
  EXPECT_NEAR(clip_gradient_norm(all, 5.1), 5, 1e-6);
  EXPECT_NEAR(x.grad().to_vector<double>()[0], 3, 1e-6) << "below the norm nothing changes";
}

// In float32 the squares of 1e20 overflow, and 1 / infinity would silently clear the gradient.
TEST(Clip, HugeGradientsKeepAFiniteNormAndTheRightScale) {
  Variable x(Tensor::zeros({4}, DType::f32), true);
  x.set_grad(Tensor::full({4}, 1e20, DType::f32));
  EXPECT_NEAR(clip_gradient_norm({{"x", x}}, 1) / 2e20, 1, 1e-6);
  EXPECT_NEAR(x.grad().to_vector<float>()[0], 0.5, 1e-5);
}

// Regression: the parameter was counted twice in the norm, and its gradient was scaled twice.
TEST(Clip, AParameterUnderTwoNamesCountsOnce) {
  struct Tied : Module {
    explicit Tied(Initializer& init) : linear(2, 2, init, WeightScale::published, Bias::no) {
      register_module("a", linear);
      register_module("b", linear);
    }
    Linear linear;
  };
  Initializer init(1, DType::f64);
  Tied tied(init);
  ASSERT_EQ(tied.named_parameters().size(), 2U);
  EXPECT_EQ(each_once(tied.named_parameters()).at(0).name, "a.weight");
  EXPECT_EQ(tied.parameter_count(), 4);
  tied.linear.weight.set_grad(Tensor::full({2, 2}, 3, DType::f64));
  EXPECT_DOUBLE_EQ(clip_gradient_norm(tied.named_parameters(), 1), 6);
  EXPECT_NEAR(tied.linear.weight.grad().to_vector<double>()[3], 0.5, 1e-6);
  EXPECT_NEAR(gradient_norm(tied.named_parameters()), 1, 1e-6);
}

TEST(Clip, ANonFiniteGradientIsNamed) {
  Variable x = leaf({1, 2, 3});
  x.set_grad(Tensor::from(std::vector<double>{0, 1, NAN}));
  expect_error(ErrorKind::non_finite, "the gradient of blocks.0.x is not finite at entry 2", [&] {
    clip_gradient_norm({{"blocks.0.x", x}}, 5);
  });
}

}  // namespace
}  // namespace lrurec::nn
