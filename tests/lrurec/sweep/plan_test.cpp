#include "lrurec/sweep/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/tensors.h"

namespace lrurec::sweep {
namespace {

using test::expect_error;

Plan parse(const std::string& text) { return parse_plan(text, "s.toml", "/data"); }

TEST(SweepPlan, IsEveryCombinationInTheFilesOrder) {
  const Plan plan = parse(
      "data = 'd.lrd'\nseeds = [7, 8]\njobs = 3\nthreads = 2\nmemory = '1.5 GB'\n"
      "metric = 'NDCG@20'\n"
      "[settings]\npreset = 'beauty'\nhidden = 32\nouter_gelu = true\n"
      "[grid]\nmax_length = [10, 20]\ndropout = [0, 0.5]\n");
  EXPECT_EQ(plan.data, "/data/d.lrd");
  EXPECT_EQ(plan.seeds, (std::vector<std::int64_t>{7, 8}));
  EXPECT_EQ(plan.jobs, 3);
  EXPECT_EQ(plan.memory, 1.5e9);
  EXPECT_EQ(plan.metric, "NDCG@20");
  std::vector<std::string> names;
  for (const Point& point : plan.points) {
    names.push_back(point.name());
    EXPECT_EQ(point.config.preset, "beauty");
    EXPECT_EQ(point.config.validate_every, config::preset("beauty").validate_every);
    EXPECT_EQ(point.config.hidden, 32);
    EXPECT_TRUE(point.config.outer_gelu);
    EXPECT_EQ(point.config.threads, 2);
    EXPECT_EQ(point.config.seed, 7);
  }
  EXPECT_THAT(names, testing::ElementsAre("max_length=10,dropout=0", "max_length=10,dropout=0.5",
                                          "max_length=20,dropout=0", "max_length=20,dropout=0.5"));
  EXPECT_EQ(plan.points[1].config.max_length, 10);
  EXPECT_EQ(plan.points[1].config.dropout, 0.5);
}

TEST(SweepPlan, ASettingMayNeedAnotherOfTheGrid) {
  EXPECT_EQ(
      parse("data = 'd'\n[grid]\nlr_final_share = [0.1, 0.5]\nlr_schedule = ['linear']\n").points.size(), 2U);
}

std::vector<std::string> sampled_names(const std::string& grid, std::int64_t sample) {
  Plan plan = parse("data = 'd'\n[grid]\n" + grid);
  plan.sample = sample;
  draw_sample(plan);
  std::vector<std::string> names;
  for (const Point& point : plan.points) names.push_back(point.name());
  return names;
}

TEST(SweepPlan, ASampleHasThatOfALesserNumberInIt) {
  const std::string grid = "dropout = [0.1, 0.2, 0.3, 0.4, 0.5]\nblocks = [1, 2, 3, 4]\nhidden = [8, 16]\n";
  const auto all = sampled_names(grid, 0);
  ASSERT_EQ(all.size(), 40U);
  EXPECT_EQ(sampled_names(grid, 40), all);
  EXPECT_EQ(sampled_names(grid, 41), all);
  std::vector<std::string> before;
  for (std::int64_t n = 1; n < 40; ++n) {
    const auto names = sampled_names(grid, n);
    ASSERT_EQ(std::ssize(names), n);
    EXPECT_THAT(names, testing::IsSupersetOf(before));
    EXPECT_THAT(all, testing::IsSupersetOf(names));
    // In the grid's order.
    auto at = all.begin();
    for (const auto& name : names) at = std::find(at, all.end(), name);
    EXPECT_NE(at, all.end());
    before = names;
  }
  // Not the first of the grid alone: of ten, values from both ends.
  const auto ten = sampled_names(grid, 10);
  EXPECT_THAT(ten, testing::Contains(testing::StartsWith("dropout=0.1")));
  EXPECT_THAT(ten, testing::Contains(testing::StartsWith("dropout=0.5")));
}

TEST(SweepPlan, WithoutAGridIsSeedsOfOneConfiguration) {
  const Plan plan = parse("data = '/d.lrd'\nseeds = [4, 5]\n");
  ASSERT_EQ(plan.points.size(), 1U);
  EXPECT_EQ(plan.points[0].name(), "settings");
  EXPECT_EQ(plan.data, "/d.lrd");
  EXPECT_EQ(plan.seeds, (std::vector<std::int64_t>{4, 5}));
  EXPECT_EQ(plan.metric, "Recall@10");
}

TEST(SweepPlan, KnowsWhetherChannelsAreNamed) {
  EXPECT_TRUE(parse("data = 'd'\n[settings]\nhidden = 8\n[grid]\ndropout = [0]\n").names_hidden_alone);
  EXPECT_TRUE(parse("data = 'd'\n[grid]\nhidden = [8]\n").names_hidden_alone);
  EXPECT_FALSE(parse("data = 'd'\n[settings]\nchannels = 8\n[grid]\nhidden = [8]\n").names_hidden_alone);
  EXPECT_FALSE(parse("data = 'd'\n[grid]\ndropout = [0]\n").names_hidden_alone);
}

TEST(SweepPlan, MistakesAreToldWithTheirLine) {
  const auto refused = [](const std::string& text, const std::string& message) {
    expect_error(ErrorKind::usage, message, [&] { parse(text); });
  };
  refused("seeds = [1]\n", "s.toml: data = ");
  refused("data = 'd'\nsede = [1]\n", "s.toml:2: unknown key 'sede'; did you mean 'seeds'?");
  refused("data = 'd'\nsede = [1]\n", "'seeds'? Settings of the runs belong under [settings]");
  refused("data = 'd'\ndropout = 0.5\n",
          "unknown key 'dropout'; settings of the runs belong under [settings]");
  refused("data = 'd'\n[grid]\ndroput = [0.5]\n", "s.toml:3: ");
  refused("data = 'd'\n[grid]\ndroput = [0.5]\n", "did you mean 'dropout'?");
  refused("data = 'd'\n[grid]\ndropout = 0.5\n", "s.toml:3: dropout needs a list");
  refused("data = 'd'\n[grid]\ndropout = []\n", "needs a list");
  refused("data = 'd'\n[grid]\ndropout = [0.5, 0.5]\n", "has the value 0.5 twice");
  refused("data = 'd'\n[grid]\ndropout = [2]\n", "s.toml:3");
  refused("data = 'd'\n[grid]\nseed = [1, 2]\n", "seeds are listed at the top");
  refused("data = 'd'\n[settings]\nthreads = 2\n", "s.toml:3: threads belongs at the top");
  refused("data = 'd'\n[settings]\npreset = 'smal'\n",
          "s.toml:3: unknown preset 'smal'; did you mean 'small'?");
  refused("data = 'd'\nseeds = [1, 1]\n", "s.toml:2: seeds needs");
  refused("data = 'd'\nseeds = []\n", "s.toml:2: seeds needs");
  refused("data = 'd'\nseeds = 3\n", "s.toml:2: seeds needs");
  refused("data = 'd'\nseeds = [1, -2]\n", "s.toml:2: seeds needs");
  refused("data = 'd'\nseeds = [1, 'b']\n", "s.toml:2: seeds needs");
  refused("data = 'd'\nseeds = [1, 1000000000000001]\n",
          "s.toml:2: seed = ");  // regression: it named a temporary file
  refused("data = 'd'\nmetric = 'NDGC@10'\n", "did you mean 'NDCG@10'?");
  refused("data = 'd'\nmetric = 10\n", "s.toml:2: metric needs");
  refused("data = 'd'\njobs = 0\n", "s.toml:2: jobs needs");
  refused("data = 'd'\nsample = 0\n", "s.toml:2: sample needs a whole number from 1 to 1000000");
  refused("data = 'd'\nmemory = 8\n", "s.toml:2: memory needs");
  refused("data = 'd'\nmemory = '8 lots'\n", "s.toml:2: '8 lots' is no amount");
  refused("data = 'd'\ngrid = 1\n", "s.toml:2: grid must be a section");
  refused("data = \n", "s.toml:1:");
  // Regression: a whole training began.
  refused("data = 'd'\n[settings]\nhidden = 8\n", "s.toml: there is no [grid]; name the settings to vary");
  // Regression: the grid's values silently took the place of the other.
  refused("data = 'd'\n[settings]\ndropout = 0.5\n[grid]\ndropout = [0.1, 0.2]\n",
          "s.toml:3: dropout is under [settings] and [grid]; leave one");
  // Regression: points that differ only in such a setting were trained alike and then ranked.
  refused("data = 'd'\n[grid]\nlr_final_share = [0.1, 0.5]\n",
          "s.toml:3: lr_final_share: changes nothing without --lr-schedule");
  refused("data = 'd'\n[settings]\nbackbone = 'rwkv'\n[grid]\nchannels = [16, 32]\n",
          "s.toml:5: channels: the backbone rwkv has no channels");
  // Regression: it failed with the file system's own message, after memory had been measured.
  std::string long_names = "data = 'd'\n[grid]\n";
  for (const std::string key : {"learning_rate", "batch_size", "max_length", "validate_every", "warmup_steps",
                                "max_epochs", "weight_decay", "patience", "max_steps", "hidden", "channels",
                                "log_every", "eval_negatives", "negatives", "clip_norm", "lr_decay_steps"}) {
    long_names += key + " = [60000]\n";
  }
  refused(long_names, "s.toml:2: the runs' folders are named after all keys of [grid]");
  expect_error(ErrorKind::io, "nowhere.toml", [] { read_plan("nowhere.toml"); });
}

// Regression: the message had the place twice.
TEST(SweepPlan, APresetThatIsNoTextIsToldOnce) {
  try {
    parse("data = 'd'\n[settings]\npreset = [1]\n");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "s.toml:3: preset needs one value");
  }
}

TEST(SweepPlan, AmountsOfMemory) {
  EXPECT_EQ(parse_memory("8 GB", ""), 8e9);
  EXPECT_EQ(parse_memory("500MB", ""), 5e8);
  EXPECT_EQ(parse_memory("2 GiB", ""), 2147483648.0);
  for (const char* text : {"", "8", "GB", "-1 GB", "0 GB", "8 gb", "1 GB2", "inf GB", "nan GB", "1e308 GB"}) {
    expect_error(ErrorKind::usage, "is no amount of memory", [&] { parse_memory(text, "here"); });
  }
}

}  // namespace
}  // namespace lrurec::sweep
