// Losses of the ranking kernel; its ranks are held to stored scores by tests/lrurec/eval/evaluate_test.cpp.

#include "ops/linear_rank/linear_rank.h"

#include <cmath>

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

}  // namespace
}  // namespace lrurec::ops
