#include "nn/layers.h"

#include <cmath>

#include "nn/conv1d.h"
#include "nn/lru.h"
#include "nn/optim/clip.h"
#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

using test::expect_error;
using test::max_difference;
using test::random_normal;

TEST(Initializer, TruncatedNormalIsCutAndTheSameInBothPrecisions) {
  Initializer single(5, DType::f32), twice(5, DType::f64);
  const Tensor a = single.truncated_normal_complex({64, 64}), b = twice.truncated_normal_complex({64, 64});
  EXPECT_EQ(a.dtype(), DType::c64);
  EXPECT_LE(max_difference(a, b), 1e-8);
  double squares = 0;
  for (const c128 z : test::values(b)) {
    EXPECT_LE(std::max(std::abs(z.real()), std::abs(z.imag())), 0.04);
    squares += std::norm(z);
  }
  // A normal cut at two sigma has standard deviation 0.8796 sigma.
  EXPECT_NEAR(std::sqrt(squares / (2 * 64 * 64)), 0.02 * 0.8796, 3e-4);
  EXPECT_GT(max_difference(twice.truncated_normal({100}), twice.truncated_normal({100})), 0);
}

TEST(Initializer, RingGivesModuliUniformInTheSquareAndUnitVariance) {
  Initializer init(2, DType::f64);
  const auto ring = init.ring(4000);
  const auto nu = ring.nu_log.to_vector<double>(), theta = ring.theta_log.to_vector<double>(),
             gamma = ring.gamma_log.to_vector<double>();
  double mean_square = 0;
  for (std::size_t d = 0; d < nu.size(); ++d) {
    const double modulus = std::exp(-std::exp(nu[d]));
    EXPECT_GT(modulus, 0.8);
    EXPECT_LT(modulus, 0.99);
    EXPECT_GT(std::exp(theta[d]), 0);
    EXPECT_LT(std::exp(theta[d]), 2 * 3.1415927);
    EXPECT_NEAR(std::exp(gamma[d]), std::sqrt(1 - modulus * modulus), 1e-12);
    mean_square += modulus * modulus / 4000;
  }
  EXPECT_NEAR(mean_square, (0.8 * 0.8 + 0.99 * 0.99) / 2, 0.005);
  // Regression: logarithms of numbers that are not positive gave NaN.
  for (const auto& [low, high] :
       {std::pair{0.9, 1.5}, std::pair{1., 1.}, std::pair{-0.1, 0.9}, std::pair{0.9, 0.8}, std::pair{0., 0.},
        std::pair{0.5, static_cast<double>(NAN)}}) {
    expect_error(ErrorKind::internal, "[ring] r_min = ", [&] { init.ring(4, low, high); });
  }
}

TEST(Dropout, KeepsTheMeanDropsTheShareAndIsIdentityOutsideTraining) {
  const Dropout dropout(0.3, 4);
  const Variable x(Tensor::full({1000, 64}, 1, DType::f32));
  const Tensor y = dropout.forward(x, {true, 1, 2}).value();
  std::int64_t zeros = 0;
  for (const float v : y.to_vector<float>()) {
    if (v == 0) {
      ++zeros;
    } else {
      ASSERT_NEAR(v, 1 / 0.7F, 1e-5F);  // p is rounded to a multiple of 2^-16
    }
  }
  EXPECT_NEAR(static_cast<double>(zeros) / 64000, 0.3, 0.01);
  EXPECT_EQ(max_difference(dropout.forward(x, {false, 1, 2}).value(), x.value()), 0);
  EXPECT_EQ(max_difference(dropout.forward(x, {true, 1, 2}).value(), y), 0) << "same step, same mask";
  EXPECT_GT(max_difference(dropout.forward(x, {true, 1, 3}).value(), y), 0) << "another step";
  EXPECT_GT(max_difference(Dropout(0.3, 5).forward(x, {true, 1, 2}).value(), y), 0) << "another site";
  EXPECT_GT(max_difference(dropout.forward(x, {true, 2, 2}).value(), y), 0) << "another seed";
}

TEST(LayerNorm, HasMeanZeroAndVarianceOneAtAnyScale) {
  Initializer init(1, DType::f64);
  const LayerNorm norm(8, 1e-5, init);
  for (const double scale : {1.0, 1e4}) {
    const Tensor x = ops::raw::mul(random_normal({5, 8}, DType::f64), Tensor::scalar(scale));
    const Tensor y = norm.forward(Variable(x)).value();
    EXPECT_LE(test::max_abs(ops::raw::mean(y, {1})), 1e-12);
    EXPECT_NEAR(ops::raw::mean(ops::raw::square(y)).item<double>(), 1, 1e-4);
  }
  // Far below eps the result is x / sqrt(eps): finite, and not blown up to unit variance.
  const Tensor tiny = ops::raw::mul(random_normal({5, 8}, DType::f64), Tensor::scalar(1e-30));
  EXPECT_LE(test::max_abs(norm.forward(Variable(tiny)).value()), 1e-26);
}

// The first bits of every training hang on it.
TEST(LruCoefficients, AreTheCompositionBitForBit) {
  const auto leaf = [](std::uint64_t stream, const Shape& shape, DType dtype) {
    return Variable(test::random_normal(shape, dtype, stream), /*requires_grad=*/true);
  };
  for (const DType real : {DType::f32, DType::f64}) {
    const DType z = complex_of(real);
    const Variables in{leaf(1, {13}, real), leaf(2, {13}, real), leaf(3, {13}, real), leaf(4, {13, 7}, z),
                       leaf(5, {13}, z)};
    const auto outputs_and_gradients = [&](const ops::LruCoefficients& made) {
      Tensors all{made.lambda.value(), made.B.value(), made.b.value()};
      // Gradients that are not all alike: those of sums of squares.
      const Variable loss =
          ops::sum(ops::abs(made.lambda)) + ops::sum(ops::abs(made.B)) + ops::sum(ops::abs(made.b));
      loss.backward();
      for (Variable v : in) {
        all.push_back(v.grad().clone());
        v.zero_grad();
      }
      return all;
    };
    const auto fused = outputs_and_gradients(ops::lru_coefficients(in[0], in[1], in[2], in[3], in[4]));
    const auto composed =
        outputs_and_gradients(ops::lru_coefficients_composed(in[0], in[1], in[2], in[3], in[4]));
    for (std::size_t i = 0; i < fused.size(); ++i)
      EXPECT_EQ(test::values(fused[i]), test::values(composed[i])) << i;
  }
}

// Equation 5, one step after the other, in long-hand complex arithmetic.
TEST(LRU, IsEquationFive) {
  constexpr std::int64_t H = 3, D = 5, T = 7;
  Initializer init(3, DType::f64);
  const LRU lru(H, D, init);
  const Tensor x = random_normal({T, H}, DType::f64);
  const Tensor offsets = Tensor::from(std::vector<std::int64_t>{0, 4, T});
  const auto [y, final_state] = lru.forward(Variable(x), offsets);

  const auto at = [&](const char* name) { return test::values(lru.parameter(name).value()); };
  const auto nu = at("nu_log"), theta = at("theta_log"), gamma = at("gamma_log"), B = at("in_proj.weight"),
             b_B = at("in_proj.bias"), C = at("out_proj.weight"), b_C = at("out_proj.bias"),
             in = test::values(x);
  const auto out = test::values(y.value()), last = test::values(final_state.value());
  std::vector<c128> h(D);
  for (std::size_t t = 0; t < T; ++t) {
    if (t == 0 || t == 4) h.assign(D, 0);
    for (std::size_t d = 0; d < D; ++d) {
      const c128 lambda = std::exp(c128(-std::exp(nu[d].real()), std::exp(theta[d].real())));
      c128 u = b_B[d];
      for (std::size_t k = 0; k < H; ++k) u += B[d * H + k] * in[t * H + k];
      h[d] = lambda * h[d] + std::exp(gamma[d].real()) * u;
      if (t == 3 || t == T - 1) {
        EXPECT_LE(std::abs(h[d] - last[(t == 3 ? 0 : D) + d]), 1e-14);
      }
    }
    for (std::size_t k = 0; k < H; ++k) {
      c128 sum = b_C[k];
      for (std::size_t d = 0; d < D; ++d) sum += C[k * D + d] * h[d];
      EXPECT_NEAR(out[t * H + k].real(), sum.real(), 1e-14);
    }
  }
}

// |lambda| < 1 holds in mathematics, not in float32.
TEST(LRU, ExtremeLogsGiveFiniteValuesOrANamedError) {
  Initializer init(3);
  LRU lru(2, 3, init);
  lru.parameter("nu_log").set_value(Tensor::from(std::vector<float>{-18, 0, 5}));
  const auto lambda = lru.lambda().value().to_vector<c64>();
  EXPECT_LE(std::abs(lambda[0]), 1.0F);
  EXPECT_EQ(lambda[2], c64(0)) << "e^-148";
  const auto [y, state] =
      lru.forward(Variable(random_normal({4, 2}, DType::f32)), Tensor::from(std::vector<std::int64_t>{0, 4}));
  ops::sum(y).backward();
  for (const auto& p : lru.named_parameters()) {
    EXPECT_TRUE(std::isfinite(test::max_abs(p.variable.grad()))) << p.name;
  }
}

// lambda = exp(-exp(nu_log) + i exp(theta_log)) at the ends of float: 1.0f from nu_log = -17.33 down, 0
// from 4.7 up, and exp(nu_log) itself infinite from 88.8 up.
TEST(LRU, EigenvaluesAtTheEndsOfTheirRangeHaveFiniteGradientsOrNameTheirParameter) {
  const Tensor x = random_normal({6, 3}, DType::f32, 1),
               offsets = Tensor::from(std::vector<std::int64_t>{0, 4, 6});
  const auto train = [&](const char* parameter, float value) {
    Initializer init(1, DType::f32);
    LRU lru(3, 4, init);
    lru.parameter(parameter).set_value(Tensor::full({4}, value, DType::f32));
    for (const bool fused : {true, false}) {
      lru.zero_grad();
      const Variable in(x, true);
      const auto out = fused ? lru.forward(in, offsets, {}) : lru.forward_composed(in, offsets, {});
      ops::sum(ops::square(out.y)).backward();
      finite_gradient_norm(lru.named_parameters());
    }
  };
  for (const float nu_log : {-18.F, -17.4F, 4.7F, 5.F, 20.F})
    EXPECT_NO_THROW(train("nu_log", nu_log)) << nu_log;
  for (const float nu_log : {89.F, 100.F}) {
    test::expect_error(ErrorKind::non_finite, "the gradient of nu_log is not finite at entry 0",
                       [&] { train("nu_log", nu_log); });
  }
  // u = 0 would be theta_log = log 0: an angle of 0, and no gradient.
  EXPECT_NO_THROW(train("theta_log", -INFINITY));
  EXPECT_NO_THROW(train("theta_log", -1e30F));
}

TEST(RMSNorm, HasMeanSquareOneAtAnyScale) {
  Initializer init(1, DType::f64);
  const RMSNorm norm(5, 0, init);
  const Tensor x = random_normal({4, 5}, DType::f64);
  for (const double scale : {1e-20, 1.0, 1e20}) {
    const Tensor y = norm.forward(Variable(x * scale)).value();
    EXPECT_LT(max_difference(ops::raw::mean(y * y, {1}), Tensor::ones({4}, DType::f64)), 1e-12) << scale;
  }
}

TEST(Conv1d, SeesItselfAndWhatCameBeforeWithinItsSequence) {
  Initializer init(1, DType::f64);
  const Conv1d conv(2, 3, init);
  const IndexTensor offsets(Tensor::from(std::vector<std::int64_t>{0, 4, 6}));
  const Tensor x = random_normal({6, 2}, DType::f64);
  const Tensor y = conv.forward(Variable(x), offsets).value();
  const Tensor w = conv.weight.value(), b = conv.bias.value();
  EXPECT_LT(
      max_difference(y.select(0, 3), b + w.select(0, 0) * x.select(0, 3) + w.select(0, 1) * x.select(0, 2) +
                                         w.select(0, 2) * x.select(0, 1)),
      1e-14);
  EXPECT_LT(max_difference(y.select(0, 4), b + w.select(0, 0) * x.select(0, 4)), 1e-14);
}

TEST(Dropout, SitesThatWouldShareMasksAreRefused) {
  EXPECT_NO_THROW(Dropout(0.5, 65535));
  test::expect_error(ErrorKind::internal, "site 65536 is not below 65536", [] { Dropout(0.5, 65536); });
}

TEST(SequenceLayer, AnEmptySequenceHasNoLastToken) {
  test::expect_error(ErrorKind::internal, "sequence 1 is empty", [] {
    last_tokens(Tensor::from(std::vector<std::int64_t>{0, 1, 1, 3}));
  });
}

}  // namespace
}  // namespace lrurec::nn
