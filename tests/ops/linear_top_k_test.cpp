// The k best classes against all scores, sorted: the same classes in the same order with the same bits,
// whatever the weights, although most classes are passed over by a bound.

#include "ops/linear_top_k/linear_top_k.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "ops/primitives/tile_product.h"
#include "tests/support/tensors.h"
#include "tests/support/threads.h"

namespace lrurec::ops::raw {
namespace {

using test::expect_error;
using test::random_normal;
using Ids = std::vector<std::int64_t>;

struct TopKProblem {
  std::int64_t n, H, C;
  Tensor x, weight, bias;
  Ids offsets{0}, excluded;

  TopKProblem(std::int64_t n, std::int64_t H, std::int64_t C, std::uint64_t seed = 1)
      : n(n),
        H(H),
        C(C),
        x(random_normal({n, H}, DType::f32, seed)),
        weight(random_normal({C, H}, DType::f32, seed + 1)),
        bias(random_normal({C}, DType::f32, seed + 2)) {
    for (std::int64_t r = 0; r < n; ++r) {
      for (std::int64_t c = r % 3; c < std::min<std::int64_t>(C - 1, 12); c += 1 + r % 4)
        excluded.push_back(c);
      offsets.push_back(std::ssize(excluded));
    }
  }
  float* w(std::int64_t c) { return weight.data<float>() + c * H; }
  float& b(std::int64_t c) { return bias.data<float>()[c]; }
  float* row(std::int64_t r) { return x.data<float>() + r * H; }

  TopK best(std::int64_t k, std::int64_t* scored = nullptr) const {
    return linear_top_k(x, ClassTable(weight, bias), k, {Tensor::from(offsets), Tensor::from(excluded)},
                        scored);
  }
  /// Every score, and a sort.
  void expect_exact(std::int64_t k, const std::string& what) const {
    const TopK found = best(k);
    const auto ids = found.indices.to_vector<std::int64_t>();
    const auto values = found.values.to_vector<float>();
    for (std::int64_t r = 0; r < n; ++r) {
      std::vector<float> scores;
      Ids order;
      for (std::int64_t c = 0; c < C; ++c) {
        scores.push_back(tile_dot(H, x.data<float>() + r * H, weight.data<float>() + c * H) +
                         bias.data<float>()[c]);
        const auto from = excluded.begin() + offsets[static_cast<std::size_t>(r)],
                   to = excluded.begin() + offsets[static_cast<std::size_t>(r) + 1];
        if (!std::binary_search(from, to, c)) order.push_back(c);
      }
      const auto score = [&](std::int64_t c) { return scores[static_cast<std::size_t>(c)]; };
      std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return score(a) > score(b); });
      for (std::int64_t i = 0; i < k; ++i) {
        const auto at = static_cast<std::size_t>(r * k + i);
        const bool there = i < std::ssize(order);
        const std::int64_t id = there ? order[static_cast<std::size_t>(i)] : -1;
        ASSERT_EQ(ids[at], id) << what << ", row " << r << ", place " << i;
        const float value = there ? score(id) : -std::numeric_limits<float>::infinity();
        ASSERT_EQ(std::bit_cast<std::uint32_t>(values[at]), std::bit_cast<std::uint32_t>(value))
            << what << ", row " << r << ", place " << i;
      }
    }
  }
};

TEST(LinearTopKExact, AnySizes) {
  for (const auto& [n, H, C] :
       {std::tuple{1, 64, 3000}, std::tuple{3, 1, 900}, std::tuple{70, 17, 2500}, std::tuple{130, 16, 700},
        std::tuple{2, 130, 1025}, std::tuple{5, 8, 9}, std::tuple{1, 3, 1}}) {
    const TopKProblem p(n, H, C);
    for (const std::int64_t k : {1, 2, 10, 80, C / 8, C / 8 + 1, C, C + 3}) {
      if (k > 0) p.expect_exact(k, fmt::format("{} x {} x {}, k = {}", n, H, C, k));
    }
  }
}

TEST(LinearTopKExact, PassesMostClassesOver) {
  const TopKProblem p(4, 64, 20000);
  std::int64_t scored = 0;
  p.best(10, &scored);
  EXPECT_GE(scored, 4 * 10);
  EXPECT_LE(scored, 4 * 20000 / 10);
}

// A sample of all classes is looked at first, so that the bar is high early.
TEST(LinearTopKExact, PassesMostClassesOverInWhateverOrderTheyCome) {
  for (const bool rising : {true, false}) {
    TopKProblem p(4, 64, 4000);
    for (std::int64_t c = 0; c < p.C; ++c) p.b(c) = static_cast<float>(rising ? c : p.C - c) / 10;
    std::int64_t scored = 0;
    p.best(10, &scored);
    EXPECT_LE(scored, 4 * p.C / 10);
    p.expect_exact(10, rising ? "rising scores" : "falling scores");
  }
}

// Items that were never a label look like this after training: their vectors are the largest, all alike, and
// far from every row. Regression: they were looked at first, and all of them were scored.
TEST(LinearTopKExact, PassesOverManyThatAreLargeAndAlike) {
  TopKProblem p(4, 64, 20000);
  for (std::int64_t c = 0; c < p.C; c += 10) {
    for (std::int64_t i = 0; i < p.H; ++i) p.w(c)[i] = 3 - p.w(c)[i] / 1000;
  }
  for (std::int64_t r = 0; r < p.n; ++r) {
    for (std::int64_t i = 0; i < p.H; ++i) p.row(r)[i] -= 0.5F;
  }
  for (const int threads : {1, 2, 16}) {  // threads take parts of the classes
    const test::OpenMpThreads so_many(threads);
    std::int64_t scored = 0;
    p.best(10, &scored);
    EXPECT_LE(scored, 4 * p.C / 25) << threads << " threads";
    p.expect_exact(10, fmt::format("large classes, {} threads", threads));
  }
}

// With more threads than panels of rows each part finds a best of its own, for which no row is given up.
TEST(LinearTopKExact, RowsAreNotGivenUpForTheNumberOfThreads) {
  const TopKProblem p(64, 64, 20000);
  for (const int threads : {1, 2, 16}) {
    const test::OpenMpThreads so_many(threads);
    for (const std::int64_t k : {10, 100}) {
      std::int64_t scored = 0;
      p.best(k, &scored);
      EXPECT_LT(scored, 64 * p.C / 2) << threads << " threads, k = " << k;
    }
  }
}

// One element so large that codes say little of the others: bounds pass over few classes. Many rows are then
// scored in one product with all classes; for few that would cost more.
TEST(LinearTopKExact, GivesBoundsUpWhereTheyPassOverTooFew) {
  for (const std::int64_t n : {2, 9, 200}) {
    TopKProblem p(n, 16, 20000);
    for (std::int64_t c = 0; c < p.C; ++c) p.w(c)[0] = c % 2 == 0 ? 50 : -50;
    for (std::int64_t r = 1; r < n; ++r) p.row(r)[0] = r % 3 == 0 ? 40 : -40;  // the first has bounds
    p.expect_exact(10, fmt::format("{} rows", n));
    std::int64_t scored = 0;
    p.best(10, &scored);
    if (n == 2) {
      EXPECT_LT(scored, 2 * p.C);
    } else {
      EXPECT_GT(scored, (n - 1) * p.C) << n;
    }
  }
}

TEST(LinearTopKExact, EqualScoresComeInTheOrderOfTheirNumber) {
  TopKProblem p(3, 20, 2000);
  for (std::int64_t c = 1; c < p.C; ++c) {
    std::copy_n(p.w(0), p.H, p.w(c));
    p.b(c) = p.b(0);
  }
  for (const std::int64_t k : {1, 7, 200, 2000}) p.expect_exact(k, "all equal");
  p.weight = Tensor::zeros({p.C, p.H}, DType::f32);
  p.expect_exact(9, "no weights");
  p.bias = Tensor::zeros({p.C}, DType::f32);
  p.expect_exact(9, "nothing");
  p.x = Tensor::zeros({p.n, p.H}, DType::f32);
  p.expect_exact(9, "nothing at all");
}

// A bound so small that a float has few digits left for it is multiplied by something huge. All weights lie
// along the row, the last a little further than the first eight.
TEST(LinearTopKExact, TinyRowsAndHugeWeights) {
  for (int along = 1; along < 30; ++along) {
    for (int across = 1; across < 30; across += 2) {
      TopKProblem p(1, 2, 64);
      p.offsets = {0, 0}, p.excluded.clear();
      p.bias = Tensor::zeros({p.C}, DType::f32);
      const double length = std::hypot(along, across);
      for (std::int64_t c = 0; c < p.C; ++c) {
        const double size = c == p.C - 1   ? 1.0
                            : c < 8        ? 0.9995
                            : c >= p.C - 9 ? -0.9995
                            : c % 2 == 0   ? -0.3
                                           : 0.3;
        p.w(c)[0] = static_cast<float>(1e30 * size * along / length);
        p.w(c)[1] = static_cast<float>(1e30 * size * across / length);
      }
      const float least = std::numeric_limits<float>::denorm_min();
      p.row(0)[0] = least * static_cast<float>(along), p.row(0)[1] = least * static_cast<float>(across);
      p.expect_exact(1, fmt::format("{} and {}", along, across));
    }
  }
}

// Scores that differ by a rounding: no estimate tells them apart, and none may decide.
TEST(LinearTopKExact, NeighboursInTheLastBit) {
  for (const float base : {1.0F, 1e-20F, 1e15F}) {
    TopKProblem p(4, 33, 3000, 5);
    for (std::int64_t c = 0; c < p.C; ++c) {
      for (std::int64_t i = 0; i < p.H; ++i) {
        const float w = p.w(0)[i] * (c == 0 ? base : 1);
        p.w(c)[i] = (c * 7919 + i) % 11 == 0 ? std::nextafter(w, 2 * w) : w;
      }
      p.b(c) = 0;
    }
    for (const std::int64_t k : {1, 10, 100}) p.expect_exact(k, fmt::format("base {}", base));
  }
}

TEST(LinearTopKExact, WeightsOfAllMagnitudes) {
  for (const auto& [low, high] : {std::pair{-45, -30}, std::pair{-38, 0}, std::pair{-10, 10},
                                  std::pair{0, 17}, std::pair{-45, 17}, std::pair{28, 34}}) {
    for (const double row_power : {-44.0, -30.0, -8.0, 0.0, 3.0}) {
      if (high + row_power > 34) continue;  // a score would not be finite
      TopKProblem p(4, 24, 1500, 7);
      for (std::int64_t c = 0; c < p.C; ++c) {
        const double power = low + static_cast<double>(c * 7919 % 1000) / 999 * (high - low);
        for (std::int64_t i = 0; i < p.H; ++i) p.w(c)[i] *= static_cast<float>(std::pow(10, power));
        p.b(c) *= c % 5 == 0 ? static_cast<float>(std::pow(10, power + row_power)) : 0;
      }
      for (std::int64_t r = 0; r < p.n; ++r) {
        for (std::int64_t i = 0; i < p.H; ++i) p.row(r)[i] *= static_cast<float>(std::pow(10, row_power));
      }
      for (const std::int64_t k : {1, 10})
        p.expect_exact(k, fmt::format("10^{} .. {}, {}", low, high, row_power));
    }
  }
}

TEST(LinearTopKExact, OneClassOrOneElementThatDwarfsTheRest) {
  TopKProblem p(5, 64, 2000, 3);
  for (std::int64_t i = 0; i < p.H; ++i) p.w(77)[i] *= 1e20F;
  p.expect_exact(10, "a huge class");
  TopKProblem q(5, 64, 2000, 3);
  q.b(1999) = 3e37F;
  q.expect_exact(10, "a huge bias");
  TopKProblem e(5, 64, 2000, 3);
  for (std::int64_t r = 0; r < e.n; ++r) e.row(r)[5] = 1e12F;
  e.expect_exact(10, "a huge element of the rows");
  TopKProblem m(5, 64, 2000, 3);
  for (std::int64_t c = 0; c < m.C; ++c) m.w(c)[9] += 1000;
  m.expect_exact(10, "a large common part");
}

TEST(LinearTopKExact, AllButAFewExcluded) {
  TopKProblem p(2, 16, 1200);
  p.excluded.clear();
  p.offsets = {0};
  for (std::int64_t r = 0; r < 2; ++r) {
    for (std::int64_t c = 0; c < p.C; ++c) {
      if (c % 400 != r) p.excluded.push_back(c);
    }
    p.offsets.push_back(std::ssize(p.excluded));
  }
  for (const std::int64_t k : {1, 3, 5, 100}) p.expect_exact(k, "three left");
}

// A score that is not finite is found wherever it is, as where all scores are computed.
TEST(LinearTopKExact, WhatIsNotFiniteIsAnError) {
  const auto refused = [](auto change) {
    TopKProblem p(3, 32, 2000);
    change(p);
    expect_error(ErrorKind::non_finite, "not finite", [&] { p.best(10); });
  };
  refused([](TopKProblem& p) { p.w(1234)[5] = NAN; });
  refused([](TopKProblem& p) { p.b(1234) = -INFINITY; });
  refused([](TopKProblem& p) { p.row(2)[31] = -INFINITY; });
  refused([](TopKProblem& p) { p.row(1)[0] = NAN; });
  refused([](TopKProblem& p) {  // finite weights, an infinite score far from the best
    p.w(1234)[0] = -3e38F;
    for (std::int64_t r = 0; r < p.n; ++r) p.row(r)[0] = 100;
  });
  TopKProblem p(3, 32, 2000);  // close to it and finite
  for (std::int64_t c = 0; c < p.C; ++c) {
    for (std::int64_t i = 0; i < p.H; ++i) p.w(c)[i] *= 1e36F;
  }
  p.expect_exact(10, "nearly infinite");
}

TEST(LinearTopKExact, ARowHasTheSameBestAloneAndAmongMany) {
  const TopKProblem p(200, 64, 4000);
  const TopK together = p.best(10);
  const auto ids = together.indices.to_vector<std::int64_t>();
  for (const std::int64_t r : {0, 63, 64, 199}) {
    TopKProblem alone = p;
    alone.n = 1;
    alone.x = p.x.slice(0, r, r + 1).contiguous();
    const auto at = static_cast<std::size_t>(r);
    alone.excluded.assign(p.excluded.begin() + p.offsets[at], p.excluded.begin() + p.offsets[at + 1]);
    alone.offsets = {0, std::ssize(alone.excluded)};
    const TopK one = alone.best(10);
    const auto first = ids.begin() + 10 * r;
    EXPECT_EQ(one.indices.to_vector<std::int64_t>(), Ids(first, first + 10));
    EXPECT_EQ(test::max_difference(one.values, together.values.slice(0, r, r + 1)), 0);
  }
}

}  // namespace
}  // namespace lrurec::ops::raw
