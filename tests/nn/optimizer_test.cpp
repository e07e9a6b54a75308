#include "nn/optim/optimizer.h"

#include <cmath>

#include "nn/init.h"

#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

using test::expect_error;

Variable leaf(const std::vector<double>& x) { return Variable(Tensor::from(x), true); }

/// AdamW as its paper has it, on one number.
struct ScalarAdamW {
  double p, lr, beta1, beta2, eps, decay;
  double m = 0, v = 0;
  int n = 0;
  void step(double g) {
    ++n;
    p -= lr * decay * p;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    p -= lr * (m / (1 - std::pow(beta1, n))) / (std::sqrt(v / (1 - std::pow(beta2, n))) + eps);
  }
};

TEST(AdamW, FollowsItsDefinitionWithDecayByName) {
  Variable decayed = leaf({0.5, -2}), plain = leaf({0.5, -2});
  AdamW optimizer({{"w", decayed}, {"bias", plain}},
                  {.lr = 0.1, .eps = 1e-9, .weight_decay = 0.3, .decays = [](const std::string& name) {
                     return name != "bias";
                   }});
  ScalarAdamW with{-2, 0.1, 0.9, 0.999, 1e-9, 0.3}, without{-2, 0.1, 0.9, 0.999, 1e-9, 0};
  for (int i = 0; i < 20; ++i) {
    const double g = std::sin(i) + 0.1;
    decayed.set_grad(Tensor::from(std::vector<double>{1, g}));
    plain.set_grad(Tensor::from(std::vector<double>{1, g}));
    optimizer.step();
    with.step(g);
    without.step(g);
  }
  EXPECT_NEAR(decayed.value().to_vector<double>()[1], with.p, 1e-12);
  EXPECT_NEAR(plain.value().to_vector<double>()[1], without.p, 1e-12);
  EXPECT_EQ(optimizer.steps(), 20);
}

TEST(AdamW, TreatsRealAndImaginaryPartsAsSeparateNumbers) {
  Variable z(Tensor::from(std::vector<c128>{{1, 1}}), true);
  AdamW optimizer({{"z", z}}, {.lr = 0.1, .eps = 1e-9});
  ScalarAdamW re{1, 0.1, 0.9, 0.999, 1e-9, 0}, im{1, 0.1, 0.9, 0.999, 1e-9, 0};
  for (int i = 1; i < 5; ++i) {
    z.set_grad(Tensor::from(std::vector<c128>{{0.01 * i, 100}}));
    optimizer.step();
    re.step(0.01 * i);
    im.step(100);
  }
  EXPECT_NEAR(z.value().item<c128>().real(), re.p, 1e-12);
  EXPECT_NEAR(z.value().item<c128>().imag(), im.p, 1e-12);
}

TEST(Adam, CouplesDecayIntoTheGradient) {
  Variable x = leaf({2});
  Adam optimizer({{"x", x}}, {.lr = 0.1, .eps = 1e-9, .weight_decay = 0.5});
  ScalarAdamW expected{2, 0.1, 0.9, 0.999, 1e-9, 0};
  for (int i = 0; i < 5; ++i) {
    x.set_grad(Tensor::from(std::vector<double>{0.3}));
    const double g = 0.3 + 0.5 * x.value().item<double>();
    optimizer.step();
    expected.step(g);
  }
  EXPECT_NEAR(x.value().item<double>(), expected.p, 1e-12);
}

TEST(SGD, WithMomentumAndDecay) {
  Variable x = leaf({1});
  SGD optimizer({{"x", x}}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
  double p = 1, velocity = 0;
  for (int i = 0; i < 5; ++i) {
    x.set_grad(Tensor::from(std::vector<double>{0.5}));
    optimizer.step();
    velocity = 0.9 * velocity + 0.5 + 0.01 * p;
    p -= 0.1 * velocity;
  }
  EXPECT_NEAR(x.value().item<double>(), p, 1e-14);
}

TEST(Optimizer, LeavesParametersWithoutAGradientAlone) {
  Variable x = leaf({1});
  AdamW optimizer({{"x", x}}, {.weight_decay = 1});
  optimizer.step();
  EXPECT_EQ(x.value().item<double>(), 1);
}

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

// Steps were taken in memory order whatever the strides: a view of a larger tensor got those of other
// entries.
TEST(Optimizer, RefusesAStridedParameterByName) {
  const Variable x(Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}).select(1, 0), true);
  expect_error(ErrorKind::internal, "parameter x is a strided view", [&] { SGD({{"x", x}}, {.lr = 1}); });
}

TEST(Optimizer, TrainsASmallNetwork) {
  // y = x1 xor x2 needs the hidden layer.
  Initializer init(1, DType::f64);
  Variable w1(init.truncated_normal({8, 2}, 1, 2), true), b1(init.truncated_normal({8}, 1, 2), true),
      w2(init.truncated_normal({2, 8}, 1, 2), true), b2(init.truncated_normal({2}, 1, 2), true);
  AdamW optimizer({{"w1", w1}, {"b1", b1}, {"w2", w2}, {"b2", b2}}, {.lr = 0.05});
  const Variable x(Tensor::from(std::vector<double>{0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}));
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1, 1, 0});
  double loss = 0;
  for (int i = 0; i < 200; ++i) {
    for (auto p : optimizer.parameters()) p.variable.zero_grad();
    const Variable l = ops::cross_entropy(ops::linear(ops::gelu(ops::linear(x, w1, b1)), w2, b2), labels);
    l.backward();
    optimizer.step();
    loss = l.value().item<double>();
  }
  EXPECT_LT(loss, 0.01);
}

}  // namespace
}  // namespace lrurec::nn
