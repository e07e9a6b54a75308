// Values against plain definitions, limits, and errors. Gradients are in gradient_cases_test.cpp.

#include <omp.h>

#include <cmath>
#include <numeric>

#include "ops/ops.h"
#include "ops/sampled_cross_entropy/kernels.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

using test::expect_error;
using test::max_difference;
using test::random_normal;

constexpr std::int64_t classes = 23, width = 5;

struct Inputs {
  Variable x, weight, bias;
  std::vector<std::int64_t> labels;

  explicit Inputs(std::int64_t tokens, DType dtype = DType::f64)
      : x(random_normal({tokens, width}, dtype, 1), true),
        weight(random_normal({classes, width}, dtype, 2), true),
        bias(random_normal({classes}, dtype, 3), true) {
    const Philox random(4, 0);
    for (std::int64_t t = 0; t < tokens; ++t) {
      const auto r = static_cast<std::uint64_t>(t);
      labels.push_back(t % 5 == 3 ? -1 : static_cast<std::int64_t>(random.below(r, classes)));
    }
  }
  Variable loss(const Tensor& negatives, const SampledOptions& options = {}) const {
    return sampled_cross_entropy(x, weight, bias, Tensor::from(labels), negatives, options);
  }
};

Tensor draw(const Shape& shape, std::uint64_t seed = 9) {
  const Philox random(seed, 0);
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    ids.push_back(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(i), classes)));
  }
  return Tensor::from(ids, shape);
}

/// The definition, one token after the other.
double naive(const Inputs& in, const Tensor& negatives, double log_count) {
  const auto x = in.x.value().to_vector<double>(), w = in.weight.value().to_vector<double>(),
             b = in.bias.value().to_vector<double>();
  const auto ids = negatives.to_vector<std::int64_t>();
  const auto n = static_cast<std::size_t>(negatives.size(-1));
  double total = 0, count = 0;
  for (std::size_t t = 0; t < in.labels.size(); ++t) {
    if (in.labels[t] < 0) continue;
    const auto score = [&](std::int64_t id) {
      const auto i = static_cast<std::size_t>(id);
      double s = b[i];
      for (std::size_t h = 0; h < width; ++h) s += x[t * width + h] * w[i * width + h];
      return s;
    };
    double sum = std::exp(score(in.labels[t]));
    for (std::size_t j = 0; j < n; ++j) {
      const std::int64_t id = ids[negatives.rank() == 1 ? j : t * n + j];
      if (id != in.labels[t]) sum += std::exp(score(id) - log_count);
    }
    total += std::log(sum) - score(in.labels[t]);
    ++count;
  }
  return total / count;
}

TEST(SampledCrossEntropy, IsItsDefinition) {
  const Inputs in(37);
  for (const double log_count : {0.0, -1.3}) {
    for (const Shape& shape : {Shape{37, 8}, Shape{37, 1}, Shape{40}, Shape{1}}) {
      const Tensor negatives = draw(shape);
      EXPECT_NEAR(in.loss(negatives, {log_count, 0}).value().item<double>(), naive(in, negatives, log_count),
                  1e-13)
          << shape.str();
    }
  }
}

TEST(SampledCrossEntropy, EveryOtherClassOnceIsTheFullLoss) {
  for (const bool shared : {true, false}) {
    Inputs sampled(19), full(19);
    std::vector<std::int64_t> all(classes);
    std::iota(all.begin(), all.end(), 0);
    Tensor negatives = Tensor::from(all);
    if (!shared) negatives = negatives.unsqueeze(0).broadcast_to({19, classes});
    const Variable a = sampled.loss(negatives);
    const Variable b = linear_cross_entropy(full.x, full.weight, full.bias, Tensor::from(full.labels));
    a.backward();
    b.backward();
    EXPECT_NEAR(a.value().item<double>(), b.value().item<double>(), 1e-13);
    EXPECT_LE(max_difference(sampled.x.grad(), full.x.grad()), 1e-14);
    EXPECT_LE(max_difference(sampled.weight.grad(), full.weight.grad()), 1e-14);
    EXPECT_LE(max_difference(sampled.bias.grad(), full.bias.grad()), 1e-14);
  }
}

// With the correction, the mean of exp(loss) over many draws is 1 / softmax(label).
TEST(SampledCrossEntropy, TheCorrectedDenominatorIsUnbiased) {
  const NoGrad no_grad;
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);  // thousands of tiny calls
  Inputs in(1);
  in.x = Variable(raw::mul(in.x.value(), Tensor::scalar(0.5)));  // a variance that 4,000 draws average out
  const double full = std::exp(
      linear_cross_entropy(in.x, in.weight, in.bias, Tensor::from(in.labels)).value().item<double>());
  constexpr std::int64_t n = 12, draws = 4000;
  const SampledOptions corrected{std::log(static_cast<double>(n) / classes), 0};
  double mean = 0;
  for (std::uint64_t seed = 1; seed <= draws; ++seed) {
    mean += std::exp(in.loss(draw({n}, seed), corrected).value().item<double>()) / draws;
  }
  omp_set_num_threads(before);
  EXPECT_NEAR(mean / full, 1, 0.02);
}

TEST(SampledCrossEntropy, TheSameNegativesForEachTokenAreSharedOnes) {
  Inputs shared(41), own(41);
  const Tensor negatives = draw({13});
  shared.loss(negatives).backward();
  own.loss(negatives.unsqueeze(0).broadcast_to({41, 13})).backward();
  EXPECT_LE(max_difference(shared.x.grad(), own.x.grad()), 1e-14);
  EXPECT_LE(max_difference(shared.weight.grad(), own.weight.grad()), 1e-14);
  EXPECT_LE(max_difference(shared.bias.grad(), own.bias.grad()), 1e-14);
}

TEST(SampledCrossEntropy, ThreadsChangeNoBit) {
  const int before = omp_get_max_threads();
  for (const Shape& shape : {Shape{3000, 20}, Shape{700}}) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 3}) {
      omp_set_num_threads(threads);
      Inputs in(3000, DType::f32);
      const Variable loss = in.loss(draw(shape));
      loss.backward();
      std::vector<float> all{loss.value().item<float>()};
      for (const auto& v : {in.x, in.weight, in.bias}) {
        const auto g = v.grad().to_vector<float>();
        all.insert(all.end(), g.begin(), g.end());
      }
      results.push_back(all);
    }
    EXPECT_EQ(results[1], results[0]) << shape.str();
    EXPECT_EQ(results[2], results[0]) << shape.str();
  }
  omp_set_num_threads(before);
}

/// A number of ten bits, so that a product of two is exact, and a sum is rounded as its order has it.
float ten_bits(const Philox& random, std::int64_t i) {
  return std::ldexp(
      std::round(std::ldexp(static_cast<float>(random.normal(static_cast<std::uint64_t>(i))), 7)), -7);
}

// Tables of one row, of rows that all fit a cache, and of many ranges of rows.
TEST(SampledCrossEntropy, GradientsOfTheTableAreAddedInTheirOrder) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(2);
  const Philox random(5, 0);
  const auto numbers = [&](std::int64_t n) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) values[static_cast<std::size_t>(i)] = ten_bits(random, i);
    return values;
  };
  for (const std::int64_t C : {1, 15, 1'000, 70'001}) {
    for (const std::int64_t H : {1, 19, 64}) {
      for (const bool plain : {false, true}) {  // ones in place of factors and of the bias's x
        const std::int64_t tokens = 900, per_row = plain ? 1 : 7, count = tokens * per_row;
        std::vector<std::int64_t> ids;
        for (std::int64_t k = 0; k < count; ++k) ids.push_back(k % 11 == 3 ? -1 : k * k * 31 % C);
        const auto x = numbers(tokens * H), factor = numbers(count), of_bias = numbers(tokens);
        const float scale = 0.5F;
        std::vector<float> weight(static_cast<std::size_t>(C * H)), bias(static_cast<std::size_t>(C));
        auto wanted_weight = weight, wanted_bias = bias;
        for (std::int64_t k = 0; k < count; ++k) {
          const std::int64_t id = ids[static_cast<std::size_t>(k)], t = k / per_row;
          if (id < 0) continue;
          const float value = plain ? scale : scale * factor[static_cast<std::size_t>(k)];
          for (std::int64_t c = 0; c < H; ++c)
            wanted_weight[static_cast<std::size_t>(id * H + c)] +=
                value * x[static_cast<std::size_t>(t * H + c)];
          wanted_bias[static_cast<std::size_t>(id)] +=
              plain ? value : value * of_bias[static_cast<std::size_t>(t)];
        }
        kernels::scatter_add_scaled(
            Cpu{}, kernels::Scatter<float>{count,
                                           per_row,
                                           C,
                                           ids.data(),
                                           plain ? nullptr : factor.data(),
                                           &scale,
                                           {H, x.data(), weight.data()},
                                           {1, plain ? nullptr : of_bias.data(), bias.data()}});
        EXPECT_EQ(weight, wanted_weight) << C << " " << H << " " << plain;
        EXPECT_EQ(bias, wanted_bias) << C << " " << H << " " << plain;
      }
    }
  }
  omp_set_num_threads(before);
}

TEST(SampledCrossEntropy, LargeScoresStayFinite) {
  Inputs in(4, DType::f32);
  in.x = Variable(raw::mul(in.x.value(), Tensor::scalar(1e4F)), true);
  for (const Shape& shape : {Shape{4, 6}, Shape{6}}) {
    const Variable loss = in.loss(draw(shape));
    loss.backward();
    EXPECT_TRUE(std::isfinite(loss.value().item<float>()));
    EXPECT_TRUE(std::isfinite(test::max_abs(in.weight.grad())));
  }
}

TEST(SampledCrossEntropy, RefusesWhatDoesNotFit) {
  const Inputs in(4);
  const auto refused = [&](const Tensor& negatives, const std::string& message) {
    expect_error(ErrorKind::internal, message, [&] { in.loss(negatives); });
  };
  refused(draw({3, 2}), "negatives: i64 [3, 2] must be i64 [4, n] or [m]");
  refused(Tensor::zeros({4}, DType::f32), "negatives: f32 [4] must be i64");
  refused(Tensor::from(std::vector<std::int64_t>{0, 23}), "negative 23 at position 1 is not in 0..22");
  refused(Tensor::from(std::vector<std::int64_t>{-1}), "negative -1 at position 0 is not in 0..22");
  Inputs none(4);
  none.labels = {-1, -1, -1, -1};
  expect_error(ErrorKind::internal, "none of 4 rows has a label", [&] { none.loss(draw({2})); });
  expect_error(ErrorKind::internal, "must be [tokens, H], [C, H], [C]",
               [&] { sampled_cross_entropy(in.x, in.weight, in.x, Tensor::from(in.labels), draw({2})); });
}

}  // namespace
}  // namespace lrurec::ops
