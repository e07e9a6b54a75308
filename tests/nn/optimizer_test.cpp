#include "nn/optim/adam.h"
#include "nn/optim/sgd.h"

#include <cmath>

#include "nn/init.h"

#include "ops/ops.h"
#include "tests/support/tensors.h"
#include "tests/support/variables.h"

namespace lrurec::nn {
namespace {

using test::expect_error;
using test::leaf;

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

TEST(Optimizer, RefusesOneTensorUnderTwoNames) {
  const Variable w(Tensor::zeros({2}, DType::f64), true);
  test::expect_error(ErrorKind::internal, "parameters a and b are the same tensor", [&] {
    SGD({{{{"a", w}, {"b", w}}}}, {.lr = 1});
  });
}

TEST(AdamW, FollowsItsDefinitionWithDecayByGroup) {
  Variable decayed = leaf({0.5, -2}), plain = leaf({0.5, -2});
  AdamW optimizer({{{{"w", decayed}}, 0.3}, {{{"bias", plain}}, 0}}, {.lr = 0.1, .eps = 1e-9});
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

// 1 - .999 from floats would be .00100005.
TEST(AdamW, RoundsWhatIsLeftOfBetaOnce) {
  Variable w(Tensor::from(std::vector<float>{0.5F}), true);
  AdamW optimizer({{{{"w", w}}, 0}}, {.lr = 0.1, .eps = 1e-9});
  w.set_grad(Tensor::from(std::vector<float>{1}));
  optimizer.step();
  EXPECT_EQ(optimizer.state().at("exp_avg_sq.w").item<float>(), static_cast<float>(1 - 0.999));
  EXPECT_EQ(optimizer.state().at("exp_avg.w").item<float>(), static_cast<float>(1 - 0.9));
}

TEST(AdamW, TreatsRealAndImaginaryPartsAsSeparateNumbers) {
  Variable z(Tensor::from(std::vector<c128>{{1, 1}}), true);
  AdamW optimizer({{{{"z", z}}}}, {.lr = 0.1, .eps = 1e-9});
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
  Adam optimizer({{{{"x", x}}, 0.5}}, {.lr = 0.1, .eps = 1e-9});
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
  SGD optimizer({{{{"x", x}}, 0.01}}, {.lr = 0.1, .momentum = 0.9});
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
  AdamW optimizer({{{{"x", x}}, 1}}, {});
  optimizer.step();
  EXPECT_EQ(x.value().item<double>(), 1);
}

TEST(Optimizer, GroupsHaveALearningRateAndADecayOfTheirOwnAndTheRateMayChangeBetweenSteps) {
  Variable a = leaf({2}), b = leaf({2});
  AdamW optimizer({{{{"a", a}}, 0.3}, {{{"b", b}}, 0.1, /*lr_factor=*/0.5}}, {.lr = 0.1, .eps = 1e-9});
  ScalarAdamW of_a{2, 0, 0.9, 0.999, 1e-9, 0.3}, of_b{2, 0, 0.9, 0.999, 1e-9, 0.1};
  for (int i = 0; i < 10; ++i) {
    const double lr = 0.1 / (1 + i), g = std::cos(i);
    optimizer.set_lr(lr);
    of_a.lr = lr;
    of_b.lr = 0.5 * lr;
    for (Variable v : {a, b}) v.set_grad(Tensor::from(std::vector<double>{g}));
    optimizer.step();
    of_a.step(g);
    of_b.step(g);
  }
  EXPECT_NEAR(a.value().item<double>(), of_a.p, 1e-12);
  EXPECT_NEAR(b.value().item<double>(), of_b.p, 1e-12);
  EXPECT_GT(std::abs(of_a.p - of_b.p), 0.01);
}

TEST(Optimizer, RefusesAParameterInTwoGroups) {
  const Variable x = leaf({1});
  expect_error(ErrorKind::internal, "two parameters are named x: list each once", [&] {
    SGD({{{{"x", x}}}, {{{"x", x}}}}, {.lr = 1});
  });
}

// Regression: a strided value that was set later was stepped in memory order, and a broadcast one beyond its
// end.
TEST(Optimizer, RefusesAStridedValueThatWasSetLater) {
  for (const Tensor& value : {Tensor::zeros({2, 2}, DType::f64).transpose(0, 1),
                              Tensor::ones({1, 1}, DType::f64).broadcast_to({2, 2})}) {
    Variable x(Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}), true);
    SGD optimizer({{{{"x", x}}}}, {.lr = 1});
    x.set_value(value);
    x.set_grad(Tensor::ones({2, 2}, DType::f64));
    expect_error(ErrorKind::internal, "parameter x was given a strided view: set_value(tensor.contiguous())",
                 [&] { optimizer.step(); });
    x.set_value(value.contiguous());
    optimizer.step();
  }
}

// Regression: steps were taken in memory order whatever the strides, so a view of a larger tensor got the
// steps of other entries.
TEST(Optimizer, RefusesAStridedParameterByName) {
  const Variable x(Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}).select(1, 0), true);
  expect_error(ErrorKind::internal, "parameter x is a strided view", [&] { SGD({{{{"x", x}}}}, {.lr = 1}); });
}

TEST(Optimizer, TrainsASmallNetwork) {
  // y = x1 xor x2 needs the hidden layer.
  Initializer init(1, DType::f64);
  Variable w1(init.truncated_normal({8, 2}, 1, 2), true), b1(init.truncated_normal({8}, 1, 2), true),
      w2(init.truncated_normal({2, 8}, 1, 2), true), b2(init.truncated_normal({2}, 1, 2), true);
  AdamW optimizer({{{{"w1", w1}, {"b1", b1}, {"w2", w2}, {"b2", b2}}}}, {.lr = 0.05});
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

TEST(Optimizer, RefusesWhatWouldNotTrain) {
  const auto refused = [](const char* why, const auto& make) {
    test::expect_error(ErrorKind::internal, why, make);
  };
  Variable w = leaf({1, 2});
  refused("a learning rate of -1", [&] { SGD({{{{"w", w}}}}, {.lr = -1}); });
  refused("a learning rate of nan", [&] { SGD({{{{"w", w}}}}, {.lr = NAN}); });
  refused("must be in [0, 1)", [&] { AdamW({{{{"w", w}}}}, {.beta1 = 1.5}); });
  refused("w is no leaf that requires a gradient", [&] { SGD({{{{"w", Variable(w.value())}}}}, {.lr = 1}); });
  refused("w is no leaf that requires a gradient", [&] { SGD({{{{"w", w * 2.0}}}}, {.lr = 1}); });
  refused("momentum of -5", [&] { SGD({{{{"w", w}}}}, {.lr = 1, .momentum = -5}); });
  refused("weight decay -1", [&] { SGD({{{{"w", w}}, -1}}, {.lr = 1}); });
  refused("nan times the learning rate", [&] { SGD({{{{"w", w}}, 0, NAN}}, {.lr = 1}); });
  SGD optimizer({{{{"w", w}}}}, {.lr = 1});
  w.set_grad(Tensor::ones({2}, DType::f64));
  refused("a learning rate of nan", [&] { optimizer.set_lr(NAN); });
  refused("cannot be cut at a norm of -1", [&] { optimizer.clip_and_step(-1); });
  refused("cannot be cut at a norm of -1", [&] { clip_gradient_norm(optimizer.parameters(), -1); });
}

// Regression: the first parameter had been stepped already when the second one was found to be a view.
TEST(Optimizer, AStepIsWholeOrNotAtAll) {
  Variable a = leaf({1, 2}), b(Tensor::zeros({2, 2}, DType::f64), true);
  SGD optimizer({{{{"a", a}, {"b", b}}}}, {.lr = 1});
  b.set_value(Tensor::zeros({2, 2}, DType::f64).transpose(0, 1));
  a.set_grad(Tensor::ones({2}, DType::f64));
  b.set_grad(Tensor::ones({2, 2}, DType::f64));
  expect_error(ErrorKind::internal, "parameter b was given a strided view", [&] { optimizer.step(); });
  EXPECT_EQ(a.value().to_vector<double>(), (std::vector<double>{1, 2}));
  EXPECT_EQ(optimizer.steps(), 0);
}

TEST(Optimizer, AGraphOfParametersThatAStepLeftAloneIsStillWalked) {
  Variable moved = leaf({1}), still = leaf({2});
  SGD optimizer({{{{"moved", moved}, {"still", still}}}}, {.lr = 1});
  const Variable loss = ops::sum(still * still);
  moved.set_grad(Tensor::ones({1}, DType::f64));
  optimizer.step();
  loss.backward();
  EXPECT_EQ(still.grad().item<double>(), 4);
}

struct SharedLinear : Module {
  explicit SharedLinear(Initializer& init) : linear(3, 2, init) {
    register_module("encoder", linear);
    register_module("bias_free", linear);
  }
  Linear linear;
};

TEST(Optimizer, TiedWeightsAreSteppedOnceAndDecayedByTheirOwnName) {
  Initializer init(1, DType::f64);
  SharedLinear module(init);
  EXPECT_EQ(module.parameter_count(), 8);
  const auto groups = decay_groups(module, 0.1);
  ASSERT_EQ(groups[0].parameters.size(), 1U);
  EXPECT_EQ(groups[0].parameters[0].name, "encoder.weight");
  EXPECT_EQ(groups[1].parameters[0].name, "encoder.bias");
  AdamW(groups, {});

  Linear plain(2, 2, init, WeightScale::published, Bias::no);
  struct Named : Module {
    explicit Named(Module& module) { register_module("bias_free", module); }
  } named(plain);
  EXPECT_EQ(decay_groups(named, 0.1)[0].parameters.size(), 1U) << "the module's name is no bias";
  plain.set_requires_grad(false);
  AdamW(decay_groups(named, 0.1), {});  // nothing is left to train, which is no error
}

}  // namespace
}  // namespace lrurec::nn
