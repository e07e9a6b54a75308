// Operations over packed sequences beside their compositions: awkward lengths, several tiles, extreme values.

#include "ops/ops.h"
#include "tests/support/compositions.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::largest_difference;
using test::max_difference;
using test::random_normal;
using Offsets = std::vector<std::int64_t>;

TEST(Gru, IsItsCompositionAtAwkwardLengths) {
  for (const Offsets& offsets : {Offsets{0, 1}, Offsets{0, 0, 7, 8, 8, 40}}) {
    constexpr std::int64_t H = 5;
    const Tensor at = Tensor::from(offsets);
    const Tensors inputs{random_normal({offsets.back(), 3 * H}, DType::f64, 1),
                         random_normal({3 * H, H}, DType::f64, 2), random_normal({H}, DType::f64, 3),
                         random_normal({std::ssize(offsets) - 1, H}, DType::f64, 4)};
    const auto with = [&](auto op) {
      return [&, op](const Variables& x) {
        const auto [h, final_state] = op(x[0], x[1], x[2], at, x[3]);
        return Variables{h, final_state};
      };
    };
    const auto fused = [](const auto&... x) { return gru(x...); };
    const auto composed = [](const auto&... x) { return gru_composed(x...); };
    EXPECT_LE(largest_difference(inputs, with(fused), with(composed)), 1e-13) << offsets.back();
  }
}

// torch.nn.GRU(2, 2) has the same equations; this is one step of them by hand.
TEST(Gru, OneStepByHand) {
  const Tensor g = Tensor::from(std::vector<double>{0.1, -0.2, 0.3}, {1, 3}),
               U = Tensor::from(std::vector<double>{0.5, -0.4, 0.7}, {3, 1}),
               c = Tensor::from(std::vector<double>{0.05}),
               h0 = Tensor::from(std::vector<double>{0.6}, {1, 1});
  const double r = 1 / (1 + std::exp(-(0.1 + 0.5 * 0.6))), z = 1 / (1 + std::exp(-(-0.2 - 0.4 * 0.6)));
  const double n = std::tanh(0.3 + r * (0.7 * 0.6 + 0.05));
  const auto [h, last] = raw::gru(g, U, c, Tensor::from(Offsets{0, 1}), h0);
  EXPECT_NEAR(h.item<double>(), (1 - z) * n + z * 0.6, 1e-15);
  EXPECT_EQ(max_difference(h, last), 0);
}

TEST(Gru, ABatchHasTheBitsOfItsSequences) {
  Offsets offsets{0};
  for (std::int64_t s = 0; s < 75; ++s) offsets.push_back(offsets.back() + (s * 37) % 23);
  constexpr std::int64_t H = 12;
  const Tensor g = random_normal({offsets.back(), 3 * H}, DType::f32, 1),
               U = random_normal({3 * H, H}, DType::f32, 2), c = random_normal({H}, DType::f32, 3);
  const Tensor together = raw::gru(g, U, c, Tensor::from(offsets)).h;
  for (std::size_t s = 0; s + 1 < offsets.size(); s += 7) {
    const Tensor alone = raw::gru(g.slice(0, offsets[s], offsets[s + 1]), U, c,
                                  Tensor::from(Offsets{0, offsets[s + 1] - offsets[s]}))
                             .h;
    EXPECT_EQ(max_difference(together.slice(0, offsets[s], offsets[s + 1]), alone), 0) << s;
  }
}

TEST(Gru, RefusesShapesThatDoNotFit) {
  const Tensor g = random_normal({4, 6}, DType::f32, 1), U = random_normal({6, 2}, DType::f32, 2),
               c = random_normal({2}, DType::f32, 3);
  EXPECT_NO_THROW(raw::gru(g, U, c, Tensor::from(Offsets{0, 4})));
  expect_error(ErrorKind::internal, "[gru] g", [&] { raw::gru(g, c, c, Tensor::from(Offsets{0, 4})); });
  expect_error(ErrorKind::internal, "[gru] offsets", [&] { raw::gru(g, U, c, Tensor::from(Offsets{0, 3})); });
  expect_error(ErrorKind::internal, "[gru] initial", [&] {
    raw::gru(g, U, c, Tensor::from(Offsets{0, 4}), random_normal({2, 2}, DType::f32, 4));
  });
}

TEST(Attention, IsItsCompositionAtAwkwardLengths) {
  for (const Offsets& offsets :
       {Offsets{0, 1}, Offsets{0, 0, 47, 95, 95, 144}, Offsets{0, 64, 129, 130}, Offsets{0, 200}}) {
    for (const bool causal : {true, false}) {
      for (const double dropout : {0.0, 0.3}) {
        const AttentionOptions options{3, causal, dropout, {5, 6}};
        const Tensor at = Tensor::from(offsets);
        const Tensors inputs{random_normal({offsets.back(), 3 * 12}, DType::f64, 1)};
        const double difference = largest_difference(
            inputs, [&](const Variables& x) { return Variables{attention(x[0], at, options)}; },
            [&](const Variables& x) { return Variables{attention_composed(x[0], at, options)}; });
        EXPECT_LE(difference, 1e-13) << offsets.back() << causal << dropout;
      }
    }
  }
}

// Scores of thousands would overflow without the running maximum; a row's largest then takes all.
TEST(Attention, LargeScoresAreStable) {
  const Tensor qkv =
      ops::raw::mul(random_normal({150, 24}, DType::f32, 1), Tensor::full({1}, 100, DType::f32));
  const Tensor at = Tensor::from(Offsets{0, 150});
  const AttentionOptions options{2, true};
  const Tensor y = raw::attention(qkv, at, options);
  const Tensor exact = attention_composed(Variable(qkv.to(DType::f64)), at, options).value();
  EXPECT_LE(max_difference(y.to(DType::f64), exact), 1e-5 * test::max_abs(exact));
}

TEST(Attention, ATokenSeesNothingAfterIt) {
  const Tensor qkv = random_normal({100, 24}, DType::f32, 1), at = Tensor::from(Offsets{0, 100});
  const Tensor before = raw::attention(qkv, at, {2, true});
  for (const std::int64_t changed : {0, 47, 48, 63, 64, 99}) {
    Tensor other = qkv.clone();
    other.slice(0, changed, changed + 1).copy_(random_normal({1, 24}, DType::f32, 2));
    const Tensor after = raw::attention(other, at, {2, true});
    EXPECT_EQ(max_difference(after.slice(0, 0, changed), before.slice(0, 0, changed)), 0) << changed;
    EXPECT_GT(max_difference(after.slice(0, changed, changed + 1), before.slice(0, changed, changed + 1)), 0);
  }
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const Tensor qkv = random_normal({4, 12}, DType::f32, 1);
  expect_error(ErrorKind::internal, "[attention] qkv", [&] {
    raw::attention(qkv, Tensor::from(Offsets{0, 4}), {.heads = 3});
  });
  expect_error(ErrorKind::internal, "[attention] offsets", [&] {
    raw::attention(qkv, Tensor::from(Offsets{0, 5}), {.heads = 2});
  });
}

TEST(AdditiveAttention, IsItsCompositionAtAwkwardLengths) {
  for (const Offsets& offsets : {Offsets{0, 1}, Offsets{0, 0, 33, 34, 34, 40}, Offsets{0, 16, 33, 80}}) {
    const Tensor at = Tensor::from(offsets);
    const std::int64_t n = offsets.back(), A = n == 40 ? 5 : 37;
    const Tensors inputs{random_normal({n, A}, DType::f64, 1), random_normal({n, A}, DType::f64, 2),
                         random_normal({A}, DType::f64, 3), random_normal({n, 3}, DType::f64, 4)};
    const double difference = largest_difference(
        inputs, [&](const Variables& x) { return Variables{additive_attention(x[0], x[1], x[2], x[3], at)}; },
        [&](const Variables& x) {
          return Variables{additive_attention_composed(x[0], x[1], x[2], x[3], at)};
        });
    EXPECT_LE(difference, 1e-13) << n;
  }
}

// A token that sees itself alone has the weight 1 whatever its score, so that what makes the score has no
// gradient. Rounding that is left there makes a full step of AdamW.
TEST(AdditiveAttention, WithoutAChoiceItsScoresHaveNoGradient) {
  const Tensor at = Tensor::from(Offsets{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  Variables x;
  for (const Shape& shape : {Shape{9, 37}, Shape{9, 37}, Shape{37}, Shape{9, 33}}) {
    x.emplace_back(random_normal(shape, DType::f32, 1 + x.size()), /*requires_grad=*/true);
  }
  backward({additive_attention(x[0], x[1], x[2], x[3], at)}, {random_normal({9, 33}, DType::f32, 7)});
  for (const std::size_t input : {0, 1, 2}) {
    EXPECT_EQ(max_difference(x[input].grad(), Tensor::zeros(x[input].shape(), DType::f32)), 0) << input;
  }
}

// Where e^-q e^-k would overflow.
TEST(AdditiveAttention, LargeGatesAreRight) {
  const Tensor at = Tensor::from(Offsets{0, 9});
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor large = Tensor::full({1}, dtype == DType::f32 ? 95 : 720, dtype);
    Tensor q = random_normal({9, 4}, dtype, 1), k = random_normal({9, 4}, dtype, 2);
    const Variable h(random_normal({9, 3}, dtype, 3)), v(random_normal({4}, dtype, 4));
    const Tensor far_q = raw::add(q, large),
                 far_k = raw::add(k, raw::mul(large, Tensor::full({1}, -1, dtype)));
    const Variable found = additive_attention(Variable(far_q), Variable(far_k), v, h, at),
                   wanted = additive_attention(Variable(q), Variable(k), v, h, at);
    EXPECT_LE(max_difference(found.value(), wanted.value()), dtype == DType::f32 ? 1e-5 : 1e-12);
  }
}

// The filter is the circular convolution with irfft(W): an impulse at place p gives W's taps from there.
TEST(SpectralFilter, IsACircularConvolution) {
  for (const std::int64_t L : {1, 2, 7, 50, 200}) {
    const Tensor W = random_normal({L / 2 + 1, 3}, DType::c128, 1),
                 x = random_normal({2, L, 3}, DType::f64, 2);
    Tensor impulse = Tensor::zeros({1, L, 3}, DType::f64);
    impulse.slice(1, 0, 1).copy_(Tensor::full({1}, 1, DType::f64));
    const auto w = spectral_filter(Variable(impulse), Variable(W)).value().to_vector<double>();
    const auto y = spectral_filter(Variable(x), Variable(W)).value().to_vector<double>();
    const auto in = x.to_vector<double>();
    for (std::int64_t s = 0; s < 2; ++s) {
      for (std::int64_t t = 0; t < L; ++t) {
        for (std::int64_t c = 0; c < 3; ++c) {
          double sum = 0;
          for (std::int64_t u = 0; u < L; ++u) {
            sum += w[static_cast<std::size_t>(u * 3 + c)] *
                   in[static_cast<std::size_t>((s * L + (t - u + L) % L) * 3 + c)];
          }
          ASSERT_NEAR(y[static_cast<std::size_t>((s * L + t) * 3 + c)], sum, 1e-11) << L << " " << t;
        }
      }
    }
  }
}

// Why FMLP-Rec cannot learn from a label at every place: a place sees those after it, its label among them.
TEST(SpectralFilter, APlaceSeesWhatComesAfterIt) {
  const Tensor W = random_normal({4, 1}, DType::c128, 1), x = random_normal({1, 6, 1}, DType::f64, 2);
  Tensor changed = x.clone();
  changed.slice(1, 5, 6).copy_(Tensor::full({1}, 9, DType::f64));
  const auto first = [&](const Tensor& in) {
    return spectral_filter(Variable(in), Variable(W)).value().slice(1, 0, 1).contiguous();
  };
  EXPECT_GT(max_difference(first(changed), first(x)), 1e-3);
}

TEST(SpectralFilter, IsItsComposition) {
  for (const std::int64_t L : {1, 2, 7, 50, 200}) {
    const Tensors inputs{random_normal({3, L, 5}, DType::f64, 1),
                         random_normal({L / 2 + 1, 5}, DType::c128, 2)};
    const double difference = largest_difference(
        inputs, [](const Variables& x) { return Variables{spectral_filter(x[0], x[1])}; },
        [](const Variables& x) { return Variables{spectral_filter_composed(x[0], x[1])}; });
    EXPECT_LE(difference, 1e-11) << L;
  }
  expect_error(ErrorKind::internal, "[spectral_filter]", [] {
    spectral_filter(Variable(random_normal({1, 4, 2}, DType::f64, 1)),
                    Variable(random_normal({2, 2}, DType::c128, 2)));
  });
}

TEST(Segments, SumAndSoftmaxByHand) {
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3, 4, 1000, 1001}, {3, 2});
  const Tensor at = Tensor::from(Offsets{0, 2, 2, 3});
  EXPECT_EQ(raw::segment_sum(x, at).to_vector<double>(), (std::vector<double>{4, 6, 0, 0, 1000, 1001}));
  // Regression: summed in floats they gave one percent more.
  const std::int64_t many = 1 << 20;
  const Tensor tenths = Tensor::full({many, 1}, 0.1);
  EXPECT_NEAR(raw::segment_sum(tenths, offsets_of_lengths({many})).item<float>(), 104857.6, 0.02);
  const Tensor wide = random_normal({5, 130}, DType::f64);
  EXPECT_LE(max_difference(raw::segment_sum(wide, offsets_of_lengths({2, 3})).select(0, 1),
                           raw::sum(wide.slice(0, 2, 5), 0)),
            1e-14);
  const auto share = raw::segment_softmax(x, at).to_vector<double>();
  EXPECT_NEAR(share[0], 1 / (1 + std::exp(2.0)), 1e-15);
  EXPECT_EQ(share[4], 1) << "a segment of one";
  EXPECT_EQ(raw::segment_spread(raw::segment_sum(x, at), at).to_vector<double>(),
            (std::vector<double>{4, 6, 4, 6, 1000, 1001}));
  expect_error(ErrorKind::internal, "[segment_spread]",
               [&] { raw::segment_spread(x, Tensor::empty({0}, DType::i64)); });
  expect_error(ErrorKind::internal, "[segment_spread]", [&] {
    raw::segment_spread(x, Tensor::from(Offsets{0, 2}));
  });
}

}  // namespace
}  // namespace lrurec::ops
