// Initial values of the recurrences beside the LRU, as their authors give them.

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "nn/gated_lru.h"
#include "nn/gru.h"
#include "nn/lru.h"
#include "nn/rwkv.h"
#include "nn/s4.h"
#include "nn/s4d.h"
#include "ops/ops.h"
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
  EXPECT_DOUBLE_EQ(values(last, "mu_r")[2], std::pow(2 / 8.0, 0.25));
  for (const char* name : {"key", "receptance", "output"}) {
    for (const double x : values(first, name)) EXPECT_EQ(x, 0) << name;
  }
  const Tensor W_v = first.parameter("value").value();  // orthogonal
  EXPECT_LE(test::max_difference(ops::raw::matmul(W_v, W_v.transpose(0, 1)), Tensor::eye(8, DType::f64)),
            1e-12);
}

// What two states differ by falls by them, whatever the token.
TEST(RwkvTimeMixing, EigenvaluesAreByWhatItsSumsFall) {
  constexpr std::int64_t H = 8;
  Initializer init(1, DType::f64);
  const RwkvTimeMixing layer(H, 0, 2, init);
  const auto row = [](double from) {
    std::vector<double> x(H);
    for (std::size_t i = 0; i < H; ++i) x[i] = from + 0.1 * static_cast<double>(i);
    return Tensor::from(x, {1, H});
  };
  // S of S e^-m, Z e^-m and m behind the token before.
  const auto sums = [](const Tensor& state) {
    const auto z = state.to_vector<double>();
    std::vector<double> S;
    for (std::size_t i = 0; i < H; ++i) S.push_back(z[H + i] * std::exp(z[3 * H + i]));
    return S;
  };
  const Tensor one = layer.initial_state(1), other = layer.initial_state(1);
  layer.step(row(1), one);
  layer.step(row(-2), other);
  layer.step(row(3), one);
  layer.step(row(3), other);
  const auto a = sums(one), b = sums(other);
  layer.step(row(-1), one);
  layer.step(row(-1), other);
  const auto a_after = sums(one), b_after = sums(other);
  const Tensor lambda = layer.eigenvalues();
  ASSERT_EQ(lambda.numel(), H);
  for (std::size_t i = 0; i < H; ++i) {
    EXPECT_NEAR(lambda.data<c128>()[i].real() * (a[i] - b[i]), a_after[i] - b_after[i], 1e-12);
    EXPECT_EQ(lambda.data<c128>()[i].imag(), 0);
    EXPECT_GT(std::abs(a[i] - b[i]), 1e-12);
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

  const Tensor lambda = layer.eigenvalues();
  ASSERT_EQ(lambda.numel(), 2 * 32);
  for (std::size_t n = 0; n < 32; ++n) {
    const std::complex<double> power = std::pow(lambda.data<c128>()[n], 3);
    EXPECT_NEAR(found[2 * n], power.real(), 1e-12);
    EXPECT_NEAR(found[2 * n + 1], power.imag(), 1e-12);
  }
}

// A = V (Lambda - P P^*) V^* with both halves of the states is HiPPO-LegS, and so is B.
TEST(S4, BeginsWithHiPPO) {
  constexpr std::size_t N = 32, n = 2 * N;
  const LegS start = legs(N);
  const auto V = [&](std::size_t i, std::size_t k) { return start.V[i * N + k]; };
  for (std::size_t i = 0; i < n; ++i) {
    std::complex<double> p, b;
    for (std::size_t k = 0; k < N; ++k) p += V(i, k) * start.P[k], b += V(i, k) * start.B[k];
    EXPECT_NEAR(2 * b.real(), std::sqrt(2.0 * static_cast<double>(i) + 1), 1e-11);
    for (std::size_t j = 0; j < n; ++j) {
      std::complex<double> diagonal, other;
      for (std::size_t k = 0; k < N; ++k) {
        diagonal += V(i, k) * start.Lambda[k] * std::conj(V(j, k));
        other += V(j, k) * start.P[k];
      }
      const double found = 2 * diagonal.real() - 4 * p.real() * other.real();
      const auto r = static_cast<double>(i), c = static_cast<double>(j);
      const double wanted = i > j ? -std::sqrt((2 * r + 1) * (2 * c + 1)) : i == j ? -(r + 1) : 0;
      EXPECT_NEAR(found, wanted, 1e-10) << i << " " << j;
    }
  }
}

/// x with M x = y, by elimination with row exchanges. M: n x n by rows.
std::vector<double> solve(std::vector<double> M, std::vector<double> y) {
  const std::size_t n = y.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(M[i * n + k]) > std::abs(M[pivot * n + k])) pivot = i;
    }
    for (std::size_t j = 0; j < n; ++j) std::swap(M[k * n + j], M[pivot * n + j]);
    std::swap(y[k], y[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = M[i * n + k] / M[k * n + k];
      for (std::size_t j = k; j < n; ++j) M[i * n + j] -= factor * M[k * n + j];
      y[i] -= factor * y[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) y[k] -= M[k * n + j] * y[j];
    y[k] /= M[k * n + k];
  }
  return y;
}

// The real, dense, bilinear recurrence with the N x N matrix of the paper's S4, step by step over 200 tokens:
// (1 - Delta/2 A) s_t = (1 + Delta/2 A) s_{t-1} + Delta B u_t, y = C V^* s over both halves.
TEST(S4, IsTheDenseRecurrence) {
  constexpr std::size_t N = 32, n = 2 * N, L = 200;
  Initializer init(7, DType::f64);
  const S4 layer(3, 0, 1000, init);
  const LegS start = legs(N);
  const auto log_step = values(layer, "log_step");
  const Tensor state = layer.initial_state(1);
  const Tensor x = test::random_normal({L, 3}, DType::f64, 5);
  const auto input = x.to_vector<double>();
  std::vector<std::vector<double>> dense(3, std::vector<double>(n, 0.0));
  for (std::size_t t = 0; t < L; ++t) {
    layer.step(x.slice(0, static_cast<std::int64_t>(t), static_cast<std::int64_t>(t) + 1), state);
    for (std::size_t h = 0; h < 3; ++h) {
      const double half = std::exp(log_step[h]) / 2;
      std::vector<double> left(n * n), right(n);
      for (std::size_t i = 0; i < n; ++i) {
        const auto r = static_cast<double>(i);
        right[i] = dense[h][i] + 2 * half * std::sqrt(2 * r + 1) * input[t * 3 + h];
        for (std::size_t j = 0; j <= i; ++j) {
          const auto c = static_cast<double>(j);
          const double A = i > j ? -std::sqrt((2 * r + 1) * (2 * c + 1)) : -(r + 1);
          left[i * n + j] = (i == j ? 1 : 0) - half * A;
          right[i] += half * A * dense[h][j];
        }
      }
      dense[h] = solve(std::move(left), std::move(right));
    }
  }
  const auto found = state.view_as_real().to_vector<double>();
  for (std::size_t h = 0; h < 3; ++h) {
    for (std::size_t k = 0; k < N; ++k) {
      std::complex<double> wanted;  // V^* s
      for (std::size_t i = 0; i < n; ++i) wanted += std::conj(start.V[i * N + k]) * dense[h][i];
      EXPECT_NEAR(found[2 * (h * N + k)], wanted.real(), 1e-9) << h << " " << k;
      EXPECT_NEAR(found[2 * (h * N + k) + 1], wanted.imag(), 1e-9) << h << " " << k;
    }
  }
}

// Each token written out: W_o (LRU(silu(c)) * silu(W_z x + b_z)) + b_o, where c sees four tokens of its
// sequence.
TEST(GatedLRU, IsAConvolutionTheLRUAndAGate) {
  Initializer init(4, DType::f64);
  GatedLRU layer(3, 5, init);
  for (auto& p : layer.named_parameters()) {
    if (is_complex(p.variable.dtype()) || p.name.starts_with("lru.")) continue;
    p.variable.set_value(test::random_normal(p.variable.shape(), DType::f64, 11));
  }
  const std::vector<std::int64_t> ends{0, 1, 7};
  const Tensor x = test::random_normal({7, 3}, DType::f64, 12), offsets = Tensor::from(ends);
  const auto linear = [&](const std::string& name, const std::vector<double>& row) {
    const auto W = values(layer, name + ".weight"), b = values(layer, name + ".bias");
    std::vector<double> out(b);
    for (std::size_t i = 0; i < b.size(); ++i) {
      for (std::size_t j = 0; j < row.size(); ++j) out[i] += W[i * row.size() + j] * row[j];
    }
    return out;
  };
  const auto silu = [](double z) { return z / (1 + std::exp(-z)); };
  const auto rows = x.to_vector<double>();
  const auto row = [&](std::int64_t t) {
    const auto at = rows.begin() + static_cast<std::ptrdiff_t>(3 * t);
    return std::vector<double>(at, at + 3);
  };
  const auto w = values(layer, "filter"), b = values(layer, "filter_bias");
  std::vector<double> inner;
  for (std::size_t s = 0; s + 1 < ends.size(); ++s) {
    for (std::int64_t t = ends[s]; t < ends[s + 1]; ++t) {
      std::vector<double> c(b);
      for (std::int64_t j = 0; j < 4 && t - j >= ends[s]; ++j) {
        const auto u = linear("input", row(t - j));
        for (std::size_t e = 0; e < 6; ++e) c[e] += w[static_cast<std::size_t>(j) * 6 + e] * u[e];
      }
      for (const double z : c) inner.push_back(silu(z));
    }
  }
  const Tensor y = layer.lru().forward(Variable(Tensor::from(inner, {7, 6})), offsets).y.value();
  const auto recurrent = y.to_vector<double>();
  const auto found = layer.mix(Variable(x), offsets, {}).value().to_vector<double>();
  for (std::int64_t t = 0; t < 7; ++t) {
    auto gate = linear("gate", row(t));
    for (std::size_t e = 0; e < 6; ++e)
      gate[e] = silu(gate[e]) * recurrent[static_cast<std::size_t>(t) * 6 + e];
    const auto wanted = linear("output", gate);
    for (std::size_t h = 0; h < 3; ++h)
      EXPECT_NEAR(found[static_cast<std::size_t>(t) * 3 + h], wanted[h], 1e-12);
  }
}

// Regression: a backward pass over a graph that had read the state silently used the state after the step.
TEST(SequenceLayer, AStepCountsAsAChangeOfItsState) {
  Initializer init(1, DType::f64);
  const std::int64_t H = 4;
  const Tensor x = test::random_normal({2, H}, DType::f64);
  const auto expect_noticed = [&](auto& layer) {
    layer.prepare_steps();
    const Tensor state = layer.initial_state(2);
    const Variable before(state, true), loss = ops::sum(ops::abs(ops::square(before)));
    layer.step(x, state);
    test::expect_error(ErrorKind::internal, "was changed in place after the forward pass",
                       [&] { loss.backward(); });
  };
  LRU lru(H, 6, init);
  GatedLRU gated(H, 6, init);
  RwkvTimeMixing rwkv(H, 0, 2, init);
  S4 s4(H, 0, 0, init);
  S4D s4d(H, 0, 0, init);
  for (SequenceLayer* layer : std::initializer_list<SequenceLayer*>{&lru, &gated, &rwkv, &s4, &s4d}) {
    expect_noticed(*layer);
  }

  const Tensor state = lru.initial_state(2);
  const auto out = lru.forward(Variable(x), offsets_of_lengths({1, 1}), Variable(state));
  lru.step(x, state);
  test::expect_error(ErrorKind::internal, "[lru]", [&] { ops::sum(ops::square(out.y)).backward(); });

  GRU gru(H, H, init);
  const Tensor of_gru = Tensor::zeros({2, H}, DType::f64);
  const Variable before(of_gru, true), loss = ops::sum(ops::square(before));
  gru.step(x, of_gru);
  test::expect_error(ErrorKind::internal, "was changed in place", [&] { loss.backward(); });
}

}  // namespace
}  // namespace lrurec::nn
