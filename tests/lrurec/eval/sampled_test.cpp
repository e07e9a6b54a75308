#include "lrurec/eval/sampled.h"
#include "lrurec/model/lrurec.h"

#include <omp.h>

#include <cmath>

#include "lrurec/eval/baselines.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec::eval {
namespace {

using data::Split;
using test::expect_error;

model::LRURec small_model(const data::Dataset& data) {
  return model::LRURec({.num_items = data.items(), .hidden = 8, .channels = 16}, 3);
}

TEST(SampledRank, CountsTiesAgainstTheTarget) {
  EXPECT_EQ(sampled_rank(std::vector<float>{1}), 1);
  EXPECT_EQ(sampled_rank(std::vector<float>{1, 0, 2, 1, 0.5F}), 3);
  EXPECT_EQ(sampled_rank(std::vector<float>(101, 0.5F)), 101) << "a constant scorer ranks last";
  expect_error(ErrorKind::non_finite, "not a number", [] { sampled_rank(std::vector<float>{1, NAN}); });
  expect_error(ErrorKind::non_finite, "not a number", [] { sampled_rank(std::vector<float>{NAN, 1}); });
}

TEST(Sampled, AmongAllItemsItIsTheFullRanking) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = small_model(data);
  for (const Split split : {Split::validation, Split::test}) {
    const EvaluateOptions full{.split = split, .max_length = 5};
    const SampledEvaluateOptions sampled{.split = split, .max_length = 5, .negatives = data.items()};
    EXPECT_EQ(evaluate_sampled(data, model_candidate_scorer(model, data, split, 5), sampled).metrics.all(),
              evaluate(data, model_scorer(model, data, split, 5), full).metrics.all());
    EXPECT_EQ(evaluate_sampled(data, popularity_candidate_scorer(data), sampled).metrics.all(),
              evaluate(data, popularity_scorer(data), full).metrics.all());
    EXPECT_EQ(evaluate_sampled(data, markov_candidate_scorer(data, split), sampled).metrics.all(),
              evaluate(data, markov_scorer(data, split), full).metrics.all());
  }
}

TEST(Sampled, ATargetInItsOwnInputIsAMiss) {
  const data::Dataset data = test::make_dataset({{1, 2, 3, 2}, {4, 5, 6, 7}});
  const SampledEvaluateOptions options{.split = Split::test, .max_length = 5, .negatives = 1};
  const CandidateScorer gives_the_target_away = [](auto, const Tensor& candidates) {
    Tensor scores = Tensor::zeros(candidates.shape(), DType::f32);
    scores.slice(1, 0, 1).fill_(1);
    return scores;
  };
  EXPECT_EQ(evaluate_sampled(data, gives_the_target_away, options).metrics.at("Recall@50"), 0.5);
}

TEST(Sampled, NeitherThreadsNorGroupsChangeTheCandidates) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = small_model(data);
  const auto with = [&](std::uint64_t seed, std::int64_t users_at_once) {
    return evaluate_sampled(data, model_candidate_scorer(model, data, Split::test, 5),
                            {.split = Split::test,
                             .max_length = 5,
                             .negatives = 10,
                             .seed = seed,
                             .users_at_once = users_at_once,
                             .with_loss = true});
  };
  const Evaluation whole = with(1, 0);
  EXPECT_EQ(whole.metrics.users(), std::ssize(data.evaluated_users(data::Split::test)));
  const int before = omp_get_max_threads();
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    for (const std::int64_t group : {1, 7, 60}) {
      const Evaluation parts = with(1, group);
      EXPECT_EQ(parts.metrics.all(), whole.metrics.all()) << group;
      EXPECT_NEAR(*parts.loss, *whole.loss, 1e-6);
    }
  }
  omp_set_num_threads(before);
  EXPECT_NE(with(2, 0).metrics.all(), whole.metrics.all());
}

TEST(Sampled, TheLossIsTheCrossEntropyAmongTheCandidates) {
  const data::Dataset data = test::make_dataset({{1, 2, 3}, {4, 5, 6}});
  const CandidateScorer constant = [](auto, const Tensor& candidates) {
    return Tensor::full(candidates.shape(), 0.25, DType::f32);
  };
  const auto result = evaluate_sampled(
      data, constant, {.split = Split::test, .max_length = 5, .negatives = 2, .with_loss = true});
  EXPECT_NEAR(*result.loss, std::log(3.0), 1e-12);
  EXPECT_EQ(result.metrics.at("MRR@5"), 1.0 / 3);
}

TEST(Sampled, ATargetThatCannotBeRecommendedHasALossAllTheSame) {
  const data::Dataset data = test::make_dataset({{1, 2, 3, 2}, {4, 5, 6, 7}});
  const CandidateScorer constant = [](auto, const Tensor& candidates) {
    return Tensor::full(candidates.shape(), 0.25, DType::f32);
  };
  const auto result = evaluate_sampled(
      data, constant, {.split = Split::test, .max_length = 5, .negatives = 1, .with_loss = true});
  EXPECT_NEAR(*result.loss, std::log(2.0), 1e-12);
}

TEST(Sampled, MetricsAreNamedSoThatNobodyMistakesThem) {
  Evaluation evaluation;
  EXPECT_EQ(evaluation.label("Recall@10"), "Recall@10");
  evaluation.sampled = 100;
  EXPECT_EQ(evaluation.label("Recall@10"), "sampled Recall@10");
  EXPECT_EQ(evaluation.candidates(), "100 sampled");
}

TEST(Sampled, ImpossibleOptionsAreErrors) {
  const data::Dataset data = test::make_dataset({{1, 2}});
  const auto scorer = popularity_candidate_scorer(data);
  expect_error(ErrorKind::data, "no user has a", [&] { evaluate_sampled(data, scorer, {}); });
  expect_error(ErrorKind::internal, "at least one negative",
               [&] { evaluate_sampled(data, scorer, {.negatives = 0}); });
}

TEST(ModelScore, OfCandidatesIsThatOfAllItems) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model = small_model(data);
  const Tensor hidden = test::random_normal({3, 8}, DType::f32);
  const Tensor all = model.predict(Variable(hidden)).value();
  const Tensor candidates = Tensor::from(std::vector<std::int64_t>{1, 5, 0, 40, 7, 7}, {3, 2});
  const Tensor some = model.score(hidden, candidates);
  const auto ids = candidates.to_vector<std::int64_t>();
  for (std::int64_t k = 0; k < 6; ++k) {
    EXPECT_NEAR(some.select(0, k / 2).select(0, k % 2).item<float>(),
                all.select(0, k / 2).select(0, ids[static_cast<std::size_t>(k)]).item<float>(), 1e-6);
  }
}

}  // namespace
}  // namespace lrurec::eval
