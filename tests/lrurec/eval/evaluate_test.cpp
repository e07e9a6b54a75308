#include "lrurec/eval/evaluate.h"
#include "lrurec/model/lrurec.h"

#include <cmath>

#include "lrurec/eval/baselines.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec::eval {
namespace {

using data::Split;
using test::expect_error;

TEST(Metrics, OfOneRank) {
  Metrics metrics;
  metrics.add(3);
  EXPECT_EQ(metrics.at("Recall@1"), 0);
  EXPECT_EQ(metrics.at("Recall@5"), 1);
  EXPECT_DOUBLE_EQ(metrics.at("NDCG@5"), 0.5);
  EXPECT_DOUBLE_EQ(metrics.at("MRR@10"), 1.0 / 3);
  metrics.add(Metrics::never);
  EXPECT_DOUBLE_EQ(metrics.at("Recall@50"), 0.5);
  EXPECT_EQ(metrics.users(), 2);
  expect_error(ErrorKind::internal, "no metric", [&] { metrics.at("Recall@7"); });
}

TEST(Rank, CountsTiesAgainstTheTarget) {
  const std::vector<float> scores{9, 1, 3, 3, 2, 3};  // item 0 is never ranked
  EXPECT_EQ(rank_of(scores, 2, {}), 3);
  EXPECT_EQ(rank_of(scores, 4, {}), 4);
  EXPECT_EQ(rank_of(std::vector<float>(101, 0.5F), 7, {}), 100) << "a constant scorer ranks last";
}

TEST(Rank, ExcludedItemsDoNotCountTwice) {
  const std::vector<float> scores{0, 5, 4, 3, 2, 1};
  const std::vector<std::int32_t> seen{1, 1, 2, 5};
  EXPECT_EQ(rank_of(scores, 4, seen), 2);
  EXPECT_EQ(rank_of(scores, 1, seen), Metrics::never) << "a target that is excluded itself";
}

TEST(Rank, AScoreThatIsNotANumberIsAnError) {
  const std::vector<float> scores{0, 1, NAN, 2};
  expect_error(ErrorKind::non_finite, "not numbers", [&] { rank_of(scores, 1, {}); });
  expect_error(ErrorKind::non_finite, "not numbers", [&] { rank_of(scores, 2, {}); });
}

/// Gives every item its id as score.
Scorer by_id(const data::Dataset& data) {
  return [&data](std::span<const std::int64_t> users) {
    std::vector<float> row;
    for (std::int64_t i = 0; i <= data.items(); ++i) row.push_back(static_cast<float>(i));
    return Tensor::from(row).unsqueeze(0).broadcast_to({std::ssize(users), data.items() + 1});
  };
}

TEST(Evaluate, ExcludesOnlyTheInputWindow) {
  // Test target 3; items 5, 4 score higher. With L = 1 only the last item (4) is excluded.
  const data::Dataset data = test::make_dataset({{5, 1, 4, 3}});
  EvaluateOptions options{.split = Split::test, .max_length = 1};
  EXPECT_EQ(evaluate(data, by_id(data), options).metrics.at("MRR@10"), 0.5);
  options.max_length = 3;
  EXPECT_EQ(evaluate(data, by_id(data), options).metrics.at("MRR@10"), 1);
}

TEST(Evaluate, TheTargetIsNeverPartOfTheInput) {
  // A scorer that gives away whatever is in the input must not find the target.
  const data::Dataset data = test::small_demo();
  for (const Split split : {Split::validation, Split::test}) {
    for (const auto user : data.evaluated_users(data::Split::test)) {
      const std::vector<std::int64_t> one{user};
      const auto batch = data::pack_histories(data, one, split, 1000);
      for (const auto item : batch.items) EXPECT_NE(item, data.target(user, split));
    }
  }
}

TEST(Evaluate, GroupSizeChangesNothing) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 16}, 3);
  const auto with = [&](std::int64_t users_at_once) {
    return evaluate(
        data, model_scorer(model, data, Split::test, 5),
        {.split = Split::test, .max_length = 5, .users_at_once = users_at_once, .with_loss = true});
  };
  const Evaluation whole = with(0);
  EXPECT_EQ(whole.metrics.users(), std::ssize(data.evaluated_users(data::Split::test)));
  for (const std::int64_t group : {1, 7, 60}) {
    const Evaluation parts = with(group);
    EXPECT_EQ(parts.metrics.all(), whole.metrics.all()) << group;
    EXPECT_NEAR(*parts.loss, *whole.loss, 1e-5);
  }
}

TEST(Evaluate, CountingRanksIsRankingStoredScores) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 16}, 3);
  for (const Split split : {Split::validation, Split::test}) {
    for (const std::int64_t users_at_once : {0, 1, 7}) {
      const EvaluateOptions options{
          .split = split, .max_length = 5, .users_at_once = users_at_once, .with_loss = true};
      const Evaluation counted = evaluate(data, model, options);
      const Evaluation stored = evaluate(data, model_scorer(model, data, split, 5), options);
      EXPECT_EQ(counted.metrics.all(), stored.metrics.all());
      EXPECT_NEAR(*counted.loss, *stored.loss, 1e-5);
    }
  }
}

TEST(Evaluate, AModelThatScoresAllAlikeRanksLast) {
  const data::Dataset data = test::make_dataset({{5, 1, 4, 3}, {1, 2, 3, 4}, {1, 1, 1, 1}});
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 16}, 3);
  for (const auto& p : model.named_parameters()) {
    Tensor value = p.variable.value();
    value.copy_(Tensor::zeros(value.shape(), value.dtype()));
  }
  // Of 5 items 3 are seen: both the target and the other unseen one tie. The third user's target is seen
  // itself.
  const Evaluation evaluation = evaluate(data, model, {.split = Split::test, .max_length = 10});
  EXPECT_DOUBLE_EQ(evaluation.metrics.at("MRR@10"), (0.5 + 0.5 + 0) / 3);
}

TEST(Evaluate, BrokenWeightsAreAnError) {
  const data::Dataset data = test::small_demo();
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 16}, 3);
  model.parameter("bias").value().data<float>()[7] = NAN;
  expect_error(ErrorKind::non_finite, "rows have scores that are not finite",
               [&] { evaluate(data, model, {.split = Split::test, .max_length = 10}); });
}

TEST(Evaluate, TheOrderOfUsersChangesNothing) {
  const data::Dataset data = test::small_demo();
  std::vector<std::vector<std::int32_t>> sequences;
  for (std::int64_t u = data.users() - 1; u >= 0; --u) {
    sequences.emplace_back(data.sequence(u).begin(), data.sequence(u).end());
  }
  const data::Dataset reversed = test::make_dataset(sequences);
  ASSERT_EQ(reversed.items(), data.items());
  const model::LRURec model({.num_items = data.items(), .hidden = 8, .channels = 16}, 3);
  const EvaluateOptions options{.split = Split::test, .max_length = 5, .users_at_once = 7};
  const auto metrics = [&](const data::Dataset& d) {
    return evaluate(d, model_scorer(model, d, Split::test, 5), options).metrics.all();
  };
  const auto forward = metrics(data), backward = metrics(reversed);
  for (std::size_t i = 0; i < forward.size(); ++i) {
    EXPECT_NEAR(backward[i].second, forward[i].second, 1e-12) << forward[i].first;  // the sum's order differs
  }
}

TEST(Evaluate, NobodyToEvaluateIsAnError) {
  const data::Dataset data = test::make_dataset({{1, 2}});
  expect_error(ErrorKind::data, "no user has a validation target (leave-last-out needs 3 interactions)",
               [&] { evaluate(data, by_id(data), {}); });
}

TEST(Baselines, PopularityCountsTrainingItems) {
  const data::Dataset data = test::make_dataset({{1, 2, 3, 4}, {1, 2, 4, 3}, {1, 5, 2, 2}});
  const std::vector<std::int64_t> users{0};
  EXPECT_EQ(popularity_scorer(data)(users).to_vector<float>(), (std::vector<float>{0, 3, 2, 0, 0, 1}));
}

TEST(Baselines, MarkovPutsFollowersFirstAndThenPopularity) {
  const data::Dataset data = test::make_dataset({{1, 2, 1, 3, 9}, {1, 2, 4, 4}, {3, 3, 5, 1}});
  const std::vector<std::int64_t> users{1};  // validation: the last training item is 2
  const auto scores = markov_scorer(data, Split::validation)(users).to_vector<float>();
  EXPECT_GT(scores[1], 1) << "it followed 2 once";
  EXPECT_LT(scores[2], 0.5) << "popular, but it never followed 2";
  EXPECT_EQ(scores[2], scores[3]) << "equally popular";
  EXPECT_EQ(scores[4], 0);
}

}  // namespace
}  // namespace lrurec::eval
