// What a validation round ranks: whose targets, among which items.

#include <nlohmann/json.hpp>

#include "lrurec/eval/sampled.h"
#include "lrurec/train/trainer.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/trained.h"

namespace lrurec::train {
namespace {

using test::TemporaryFolder;

config::TrainConfig few_steps() {
  config::TrainConfig config = test::tiny_config();
  config.validate_every = 5;
  config.max_steps = 10;
  config.learning_rate = 1e-2;
  return config;
}

// Regression: validation always left out the window, so a target that the user had had could not be hit.
TEST(Validation, HasTheCandidatesOfItsMask) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  for (const std::int64_t negatives : {0, 5}) {
    for (const std::string mask : {"none", "window", "all"}) {
      auto config = few_steps();
      config.eval_negatives = negatives;
      config.mask = mask;
      config.max_steps = 1;
      double ndcg = -1;
      const RunFolder run = RunFolder::create(folder / (mask + std::to_string(negatives)));
      Trainer trainer(config, data, run,
                      {.on_validation = [&](const auto& e) { ndcg = e.evaluation->metrics.at("NDCG@10"); }});
      trainer.run();
      constexpr auto split = data::Split::validation;
      const eval::Mask as = eval::parse_mask(mask);
      const auto expected =
          negatives == 0
              ? eval::evaluate(data, trainer.model(), {split, config.max_length, 0, false, as})
              : eval::evaluate_sampled(
                    data, eval::model_candidate_scorer(trainer.model(), data, split, config.max_length),
                    {.split = split, .max_length = config.max_length, .negatives = negatives, .mask = as});
      EXPECT_EQ(ndcg, expected.metrics.at("NDCG@10")) << mask << negatives;
    }
  }
}

TEST(Validation, RanksTheSameUsersInEveryRound) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  for (const std::int64_t negatives : {0, 5}) {
    auto config = few_steps();
    config.eval_negatives = negatives;
    config.validate_users = 7;
    const auto users = eval::users_to_validate(data, 7, static_cast<std::uint64_t>(config.seed));
    std::vector<std::int64_t> last_ranks;
    const RunFolder run = RunFolder::create(folder / std::to_string(negatives));
    Trainer trainer(config, data, run,
                    {.on_validation = [&](const auto& e) { last_ranks = e.evaluation->ranks; }});
    trainer.run();
    constexpr auto split = data::Split::validation;
    const auto all =
        negatives == 0
            ? eval::evaluate(data, trainer.model(), {.split = split, .max_length = config.max_length})
            : eval::evaluate_sampled(
                  data, eval::model_candidate_scorer(trainer.model(), data, split, config.max_length),
                  {.split = split, .max_length = config.max_length, .negatives = negatives});
    std::vector<std::int64_t> expected;
    const auto evaluated = data.evaluated_users(split);
    for (std::size_t i = 0; i < evaluated.size(); ++i) {
      if (std::ranges::count(users, evaluated[i]) > 0) expected.push_back(all.ranks[i]);
    }
    EXPECT_EQ(last_ranks, expected);
    std::int64_t rounds = 0;
    for (const auto& line : run.log_lines()) {
      if (line["split"] != "val") continue;
      EXPECT_EQ(line["users"], 7);
      ++rounds;
    }
    EXPECT_EQ(rounds, 3);
  }
}

TEST(Validation, OfSomeUsersDrawsThemByTheSeed) {
  const data::Dataset data = test::small_demo();
  const auto all = eval::users_to_validate(data, 0, 1), some = eval::users_to_validate(data, 20, 1);
  EXPECT_EQ(all, data.evaluated_users(data::Split::validation));
  EXPECT_EQ(some.size(), 20u);
  EXPECT_TRUE(std::ranges::includes(all, some));
  EXPECT_EQ(std::ranges::adjacent_find(some), some.end());
  EXPECT_EQ(some, eval::users_to_validate(data, 20, 1));
  EXPECT_NE(some, eval::users_to_validate(data, 20, 2));
  EXPECT_EQ(all, eval::users_to_validate(data, 1000000, 1));
}

}  // namespace
}  // namespace lrurec::train
