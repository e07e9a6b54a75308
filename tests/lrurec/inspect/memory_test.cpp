#include "lrurec/inspect/memory.h"

#include <gtest/gtest.h>

#include "lrurec/inspect/eigenvalues.h"
#include "lrurec/model/lrurec.h"
#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec::inspect {
namespace {

const model::ModelConfig small_model{.num_items = 9, .hidden = 6, .channels = 12, .blocks = 2};
const std::vector<std::int32_t> history{3, 1, 4, 1, 5};

double score_after(const model::LRURec& model, const std::vector<std::int64_t>& items,
                   std::int32_t candidate) {
  const NoGrad no_grad;
  const Tensor offsets = Tensor::from(std::vector<std::int64_t>{0, std::ssize(items)});
  const Variable scores = model.predict(model.encode_last(Tensor::from(items), offsets));
  return scores.value().to(DType::f64).data<double>()[candidate];
}

TEST(Memory, SharesMakeUpTheWholeState) {
  const model::LRURec model(small_model, 3, DType::f64);
  const Memory found = memory(model, history, 7, 50);
  ASSERT_EQ(found.items.size(), 5U);
  for (std::size_t b = 0; b < 2; ++b) {
    double sum = 0;
    for (const auto& item : found.items) sum += item.share[b];
    EXPECT_NEAR(sum, 1, 1e-9);
  }
}

// Regression: the shares in a state of zero were NaN.
TEST(Memory, AStateOfZeroHasNoShares) {
  const model::LRURec model(small_model, 3);
  for (const char* part : {"weight", "bias"}) {
    Variable parameter = model.parameter(std::string("blocks.0.lru.in_proj.") + part);
    parameter.set_value(Tensor::zeros(parameter.shape(), parameter.dtype()));
  }
  for (const auto& item : memory(model, history, 7, 50).items) {
    EXPECT_EQ(item.share[0], 0);
    EXPECT_GT(std::abs(item.share[1]), 0);
  }
}

// In the first block an item's share is the part of the state, along its own direction, that is lost if the
// item's input is taken out of the recurrence.
TEST(Memory, AShareInTheFirstBlockIsWhatItsInputAdds) {
  const NoGrad no_grad;
  const model::LRURec model(small_model, 3, DType::f64);
  const Memory found = memory(model, history, 7, 50);
  const Tensor items = Tensor::from(std::vector<std::int64_t>(history.begin(), history.end()));
  const Tensor offsets = Tensor::from(std::vector<std::int64_t>{0, 5});
  const Tensor u = model.recurrence_inputs(items, offsets)[0];
  const Variable lambda(model.lambdas()[0]);
  const auto state = [&](const Tensor& input) {
    return ops::linear_scan(lambda, Variable(input), offsets).final_state.value();
  };
  const Tensor whole = state(u);
  for (std::int64_t k = 0; k < 5; ++k) {
    Tensor without = u.clone();
    without.select(0, k).copy_(Tensor::full({12}, 0, DType::c128));
    const Tensor rest = state(without);
    double along = 0, square = 0;
    for (std::int64_t d = 0; d < 12; ++d) {
      const auto h = whole.data<std::complex<double>>()[d], r = rest.data<std::complex<double>>()[d];
      along += std::real(std::conj(h) * (h - r));
      square += std::norm(h);
    }
    EXPECT_NEAR(found.items[static_cast<std::size_t>(k)].share[0], along / square, 1e-9) << k;
  }
}

TEST(Memory, TheScoreChangeIsThatOfAHistoryWithoutTheItem) {
  const model::LRURec model(small_model, 3, DType::f64);
  const Memory found = memory(model, history, 7, 50);
  EXPECT_NEAR(found.score, score_after(model, {3, 1, 4, 1, 5}, 7), 1e-9);
  EXPECT_NEAR(*found.items[2].score_change,
              score_after(model, {3, 1, 4, 1, 5}, 7) - score_after(model, {3, 1, 1, 5}, 7), 1e-9);
  EXPECT_NEAR(*found.items[4].score_change,
              score_after(model, {3, 1, 4, 1, 5}, 7) - score_after(model, {3, 1, 4, 1}, 7), 1e-9);
}

// Five items more than are read: what the model sees without one of them is the last six of what is left.
TEST(Memory, WithoutAnItemOfALongHistoryAnOlderOneIsRead) {
  const model::LRURec model(small_model, 3, DType::f64);
  constexpr std::int64_t L = 6;
  const std::vector<std::int64_t> whole{8, 2, 7, 9, 6, 3, 1, 4, 1, 5, 2};
  const auto score_of_last = [&](const std::vector<std::int64_t>& items) {
    return score_after(model, {items.end() - L, items.end()}, 7);
  };
  const Memory found = memory(model, std::vector<std::int32_t>(whole.begin(), whole.end()), 7, L);
  ASSERT_EQ(found.items.size(), 6U);
  EXPECT_NEAR(found.score, score_of_last(whole), 1e-9);
  for (std::size_t k = 0; k < 6; ++k) {
    std::vector<std::int64_t> without = whole;
    without.erase(without.begin() + 5 + static_cast<std::ptrdiff_t>(k));
    EXPECT_EQ(found.items[k].item, whole[5 + k]);
    EXPECT_NEAR(*found.items[k].score_change, score_of_last(whole) - score_of_last(without), 1e-9) << k;
  }
  const Memory of_one = memory(model, std::vector<std::int32_t>{8, 2}, 7, 1);
  ASSERT_EQ(of_one.items.size(), 1U) << "one item is read, but it is not all there is";
  EXPECT_NEAR(*of_one.items[0].score_change, score_after(model, {2}, 7) - score_after(model, {8}, 7), 1e-9);
}

TEST(Memory, OneItemIsAllThereIs) {
  const model::LRURec model(small_model, 3);
  const Memory found = memory(model, std::vector<std::int32_t>{4}, 2, 50);
  ASSERT_EQ(found.items.size(), 1U);
  EXPECT_NEAR(found.items[0].share[0], 1, 1e-9);
  EXPECT_FALSE(found.items[0].score_change);
  test::expect_error(ErrorKind::internal, "empty", [&] { memory(model, {}, 2, 50); });
}

}  // namespace
}  // namespace lrurec::inspect
