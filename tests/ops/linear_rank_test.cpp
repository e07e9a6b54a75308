// Losses of the ranking kernel; its ranks are held to stored scores by tests/lrurec/eval/evaluate_test.cpp.

#include "ops/linear_rank/linear_rank.h"

#include <cmath>

#include "ops/linear_top_k/linear_top_k.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

// A million terms added one by one in floats would lose some thousandths.
TEST(LinearRank, TheLossOfManyClassesIsExactToFloats) {
  constexpr std::int64_t C = 1000000;
  const Tensor weight = test::random_normal({C, 1}, DType::f32, 1), bias = Tensor::zeros({C}, DType::f32);
  const Tensor x = Tensor::full({1, 1}, 2.5, DType::f32);
  double sum = 0;
  for (std::int64_t c = 0; c < C; ++c) sum += std::exp(2.5 * static_cast<double>(weight.data<float>()[c]));
  const auto found =
      raw::linear_ranks(x, weight, bias, Tensor::zeros({1}, DType::i64),
                        {Tensor::zeros({2}, DType::i64), Tensor::empty({0}, DType::i64)}, true);
  EXPECT_NEAR(found.losses.item<float>(), std::log(sum) - 2.5 * static_cast<double>(weight.data<float>()[0]),
              1e-5);
}

// Regression: counts in floats stopped at 2^24. The rows have width 0, so a score is its bias.
TEST(LinearRank, CountsFurtherThanAFloat) {
  constexpr std::int64_t C = (std::int64_t{1} << 24) + 2 * 127 + 1;
  Tensor bias = Tensor::zeros({C}, DType::f32);
  bias.data<float>()[C - 2] = bias.data<float>()[C - 130] = -1;  // so that the last tiles add odd numbers
  const auto found =
      raw::linear_ranks(Tensor::zeros({1, 0}), Tensor::zeros({C, 0}), bias, Tensor::zeros({1}, DType::i64),
                        {Tensor::zeros({2}, DType::i64), Tensor::empty({0}, DType::i64)});
  EXPECT_EQ(found.ranks.item<std::int64_t>(), C - 2);
}

// Regression: a class excluded twice was subtracted twice, and an excluded target had rank 0, or -1, which
// means broken weights.
TEST(LinearRank, RefusesExcludedClassesThatCannotBe) {
  using Ids = std::vector<std::int64_t>;
  const Tensor x = test::random_normal({2, 3}, DType::f32, 1),
               weight = test::random_normal({5, 3}, DType::f32, 2), bias = Tensor::zeros({5});
  const auto refused = [&](const Ids& offsets, const Ids& classes, const std::string& why,
                           bool of_both = true) {
    const raw::ExcludedClasses excluded{Tensor::from(offsets), Tensor::from(classes)};
    test::expect_error(ErrorKind::internal, "[linear_ranks] " + why, [&] {
      raw::linear_ranks(x, weight, bias, Tensor::from(Ids{0, 3}), excluded);
    });
    if (!of_both) return;
    test::expect_error(ErrorKind::internal, "[linear_top_k] " + why,
                       [&] { raw::linear_top_k(x, raw::ClassTable(weight, bias), 2, excluded); });
  };
  refused({0, 1, 3}, {1, 2, 2}, "the excluded classes of row 1 are not in rising order, each once");
  refused({0, 2, 3}, {4, 2, 2}, "the excluded classes of row 0 are not in rising order, each once");
  refused({0, 0, 2}, {1, 5}, "excluded class 5 of row 1 is not in 0..4");
  refused({0, 2, 2}, {-1, 2}, "excluded class -1 of row 0 is not in 0..4");
  refused({0, 1}, {1}, "excluded offsets: [2] must be [3]");
  refused({0, 1, 3}, {1, 2, 3}, "row 1 excludes its target, 3", /*of_both=*/false);
}

}  // namespace
}  // namespace lrurec::ops
