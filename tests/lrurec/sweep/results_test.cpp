#include "lrurec/sweep/results.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lrurec/train/trainer.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"
#include "tests/support/trained.h"

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
  // Regression: a folder that had not been made was named, and folders were relative to the working
  // directory.
  EXPECT_FALSE(failed["configurations"][2]["runs"][1].contains("folder"));
  EXPECT_EQ(failed["configurations"][1]["runs"][0]["folder"], "dropout=0.2/seed=1");

  finish(runs[5], 0.0, 0.8);
  EXPECT_EQ(ranking(plan, runs, "Recall@10"), (std::vector<std::size_t>{1, 2, 0}))
      << "of the same mean Recall@10 that of the higher NDCG@10";
  EXPECT_EQ(ranking(plan, runs, "NDCG@10"), (std::vector<std::size_t>{2, 1, 0}));
  EXPECT_EQ(to_json(plan, runs, "f", "NDCG@10", {})["best"], "dropout=0.3");
  EXPECT_TRUE(ranking(plan, runs, "sampled Recall@10").empty());
}

// Regression: a sweep with less patience showed the numbers of a step that it would not have reached, and a
// run that had lost its run.json was taken for no run and removed.
TEST(SweepResults, ARunThatIsNotTheOneWantedIsRefused) {
  const test::TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  config::TrainConfig config = test::tiny_config();
  config.validate_every = 2;
  config.learning_rate = 0;
  config.patience = 3;
  {
    const auto run = train::RunFolder::create(folder / "run");
    run.write_config(config);
    run.write_description({{"data", "nowhere.lrd"}});
    train::Trainer(config, data, run).run();
  }
  sweep::Run wanted{0, "a run", "nowhere.lrd", data.fingerprint(), config, folder / "run"};
  const RunState state = look_at(wanted);
  EXPECT_EQ(state.kind, RunState::Kind::finished);
  EXPECT_EQ(state.step, 6);
  wanted.config.patience = 2;
  test::expect_error(ErrorKind::usage, "was trained with patience = 3; with the 2 asked for",
                     [&] { look_at(wanted); });
  for (const int more : {4, 0}) {
    wanted.config.patience = more;
    EXPECT_EQ(look_at(wanted).kind, RunState::Kind::begun) << "it goes on";
  }
  std::filesystem::remove(folder / "run/run.json");
  test::expect_error(ErrorKind::file, "has lost its run.json", [&] { look_at(wanted); });
}

// Regression: a run that had ended between two validation rounds kept the round at that end as its best when
// it was given more steps. A sweep's numbers then depended on how often it had been prolonged.
TEST(SweepResults, TheRoundOfAnEarlierEndIsNotTheBestOfALongerRun) {
  const test::TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  config::TrainConfig config = test::tiny_config();
  config.validate_every = 10;
  config.max_steps = 45;
  config.learning_rate = 0;
  const auto run = train::RunFolder::create(folder / "run");
  run.write_config(config);
  run.write_description({{"data", "nowhere.lrd"}});
  train::Trainer(config, data, run).run();
  auto state = run.load_last().checkpoint;
  state.progress.best_step = 45;  // as where training helps
  run.save_last(state);
  sweep::Run wanted{0, "a run", "nowhere.lrd", data.fingerprint(), config, folder / "run"};
  EXPECT_EQ(look_at(wanted).kind, RunState::Kind::finished);
  wanted.config.max_steps = 60;
  EXPECT_EQ(look_at(wanted).kind, RunState::Kind::begun) << "a later round may be better";
  run.write_config(wanted.config);
  train::Trainer longer(wanted.config, data, run);
  longer.resume(state, "last");
  EXPECT_EQ(longer.run().best_step, 45);
  test::expect_error(ErrorKind::usage, "has its best step, 45, where it once ended",
                     [&] { look_at(wanted); });
}

}  // namespace
}  // namespace lrurec::sweep
