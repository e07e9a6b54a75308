// Initial values of the recurrences beside the LRU, as their authors give them.

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "nn/rwkv.h"
#include "nn/s4d.h"
#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

std::vector<double> values(const Module& module, const std::string& name) {
  return module.parameter(name).value().to_vector<double>();
}

TEST(RwkvTimeMixing, StartsAsPublished) {
  Initializer init(1, DType::f64);
  const RwkvTimeMixing first(8, 0, 2, init), last(8, 1, 2, init), alone(8, 0, 1, init);
  // r0 = l / (n - 1), r1 = 1 - l / n
  EXPECT_DOUBLE_EQ(values(first, "decay")[0], -5);
  EXPECT_DOUBLE_EQ(values(first, "decay")[7], 3);
  EXPECT_DOUBLE_EQ(values(first, "decay")[2], -5 + 8 * std::pow(2 / 7.0, 0.7));
  EXPECT_DOUBLE_EQ(values(last, "decay")[2], -5 + 8 * std::pow(2 / 7.0, 2.0));
  EXPECT_DOUBLE_EQ(values(alone, "decay")[2], values(first, "decay")[2]);
  EXPECT_NEAR(values(first, "bonus")[0], std::log(0.3), 1e-15);
  EXPECT_NEAR(values(first, "bonus")[1], std::log(0.3) + 0.5, 1e-15);
  EXPECT_NEAR(values(first, "bonus")[2], std::log(0.3) - 0.5, 1e-15);
  EXPECT_DOUBLE_EQ(values(last, "mu_k")[2], std::sqrt(2 / 8.0));
  EXPECT_DOUBLE_EQ(values(last, "mu_v")[2], std::sqrt(2 / 8.0) + 0.3);
  EXPECT_DOUBLE_EQ(values(last, "mu_r")[2], 0.5 * std::sqrt(2 / 8.0));
  for (const char* name : {"key", "receptance", "output"}) {
    for (const double x : values(first, name)) EXPECT_EQ(x, 0) << name;
  }
}

TEST(S4D, StartsAsPublished) {
  Initializer init(1, DType::f64);
  const S4D layer(16, 0, 1000, init);
  for (const double x : values(layer, "log_step")) {
    EXPECT_GT(x, std::log(0.001));
    EXPECT_LT(x, std::log(0.1));
  }
  for (const double x : values(layer, "log_decay")) EXPECT_DOUBLE_EQ(-std::exp(x), -0.5);
  const auto frequency = values(layer, "frequency");
  EXPECT_DOUBLE_EQ(frequency[5], 5 * std::numbers::pi);
  EXPECT_DOUBLE_EQ(frequency[32 + 31], 31 * std::numbers::pi);
}

// After an impulse the states, which do not hold B, are exp(A Delta t).
TEST(S4D, StepsCarryTheStatesOfTheDefinition) {
  Initializer init(3, DType::f64);
  const S4D layer(2, 0, 1000, init);
  const Tensor state = layer.initial_state(1), impulse = Tensor::from(std::vector<double>{1, 0}, {1, 2}),
               nothing = Tensor::zeros({1, 2}, DType::f64);
  layer.step(impulse, state);
  for (int t = 0; t < 3; ++t) layer.step(nothing, state);
  const auto found = state.view_as_real().to_vector<double>();
  const double step = std::exp(values(layer, "log_step")[0]);
  for (std::size_t n = 0; n < 32; ++n) {
    const std::complex<double> A(-0.5, std::numbers::pi * static_cast<double>(n));
    const std::complex<double> wanted = std::exp(A * step * 3.0);
    EXPECT_NEAR(found[2 * n], wanted.real(), 1e-12);
    EXPECT_NEAR(found[2 * n + 1], wanted.imag(), 1e-12);
  }
  for (std::size_t i = 64; i < 128; ++i) EXPECT_EQ(found[i], 0);  // the other channel
}

}  // namespace
}  // namespace lrurec::nn
