#include "nn/optim/clip.h"

#include <cmath>

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

TEST(Clip, ANonFiniteGradientIsNamed) {
  Variable x = leaf({1, 2, 3});
  x.set_grad(Tensor::from(std::vector<double>{0, 1, NAN}));
  expect_error(ErrorKind::non_finite, "the gradient of blocks.0.x is not finite at entry 2", [&] {
    clip_gradient_norm({{"blocks.0.x", x}}, 5);
  });
}

}  // namespace
}  // namespace lrurec::nn
