#include "lrurec/sweep/results.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lrurec::sweep {
namespace {

TEST(SweepResults, MeanAndSampleDeviation) {
  EXPECT_EQ(summarize({0.5}).mean, 0.5);
  EXPECT_FALSE(summarize({0.5}).deviation);
  EXPECT_DOUBLE_EQ(summarize({1, 2, 6}).mean, 3);
  EXPECT_DOUBLE_EQ(*summarize({1, 2, 6}).deviation, std::sqrt(7.0));
}

Plan three_points() {
  return parse_plan("data = 'd.lrd'\nseeds = [1, 2]\n[grid]\ndropout = [0.1, 0.2, 0.3]\n", "s.toml", "");
}

void finish(Run& run, double recall, double ndcg) {
  run.state = {RunState::Kind::finished, 10, 5, {{"Recall@10", recall}, {"NDCG@10", ndcg}}};
}

TEST(SweepResults, RunsAreNamedAfterWhatTheyAre) {
  const auto runs = runs_of(three_points(), "f", "out");
  ASSERT_EQ(runs.size(), 6U);
  EXPECT_EQ(runs[3].folder, "out/dropout=0.2/seed=2");
  EXPECT_EQ(runs[3].config.seed, 2);
  EXPECT_EQ(runs[3].config.dropout, 0.2);
  EXPECT_EQ(runs[3].point, 1U);
}

TEST(SweepResults, RankedByTheMeanOverAllSeeds) {
  const Plan plan = three_points();
  auto runs = runs_of(plan, "f", "out");
  finish(runs[0], 0.9, 0.1);  // the highest run, but of the second configuration by its mean
  finish(runs[1], 0.1, 0.1);
  finish(runs[2], 0.6, 0.2);
  finish(runs[3], 0.6, 0.2);
  finish(runs[4], 1.0, 0.9);  // its other seed is missing
  EXPECT_EQ(ranking(plan, runs, "Recall@10"), (std::vector<std::size_t>{1, 0}));
  EXPECT_FALSE(to_json(plan, runs, "f", "Recall@10", {}).contains("best")) << "a run is still to be made";

  runs[5].exit_code = 6;
  runs[5].complaint = "loss is nan";
  const auto failed = to_json(plan, runs, "f", "Recall@10", {{"Recall@10", {0.2, 0.4}}});
  EXPECT_EQ(failed["best"], "dropout=0.2");
  EXPECT_EQ(failed["configurations"][2]["runs"][1]["exit_code"], 6);
  EXPECT_EQ(failed["configurations"][2]["runs"][1]["error"], "loss is nan");
  EXPECT_DOUBLE_EQ(failed["test"]["Recall@10"]["mean"], 0.3);

  finish(runs[5], 0.0, 0.8);
  EXPECT_EQ(ranking(plan, runs, "Recall@10"), (std::vector<std::size_t>{1, 0, 2}));
  EXPECT_EQ(ranking(plan, runs, "NDCG@10"), (std::vector<std::size_t>{2, 1, 0}));
  EXPECT_EQ(to_json(plan, runs, "f", "NDCG@10", {})["best"], "dropout=0.3");
  EXPECT_TRUE(ranking(plan, runs, "sampled Recall@10").empty());
}

}  // namespace
}  // namespace lrurec::sweep
