#include "lrurec/sweep/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lrurec/sweep/results.h"

namespace lrurec::sweep {
namespace {

TEST(Schedule, KeepsToJobs) {
  Schedule schedule({1, 1, 1}, 2, 100);
  EXPECT_EQ(schedule.start(), 0U);
  EXPECT_EQ(schedule.start(), 1U);
  EXPECT_FALSE(schedule.start());
  schedule.finish(0);
  EXPECT_EQ(schedule.start(), 2U);
  EXPECT_EQ(schedule.at_work(), 2);
  schedule.finish(1);
  schedule.finish(2);
  EXPECT_FALSE(schedule.start());
}

TEST(Schedule, KeepsToMemoryAndLetsSmallOnesPass) {
  Schedule schedule({6, 7, 3, 10}, 8, 10);
  EXPECT_EQ(schedule.start(), 0U);
  EXPECT_EQ(schedule.start(), 2U) << "the second would make 13";
  EXPECT_FALSE(schedule.start());
  schedule.finish(0);
  EXPECT_EQ(schedule.start(), 1U);
  EXPECT_FALSE(schedule.start());
  schedule.finish(2);
  EXPECT_FALSE(schedule.start());
  schedule.finish(1);
  EXPECT_EQ(schedule.start(), 3U) << "all of the limit, alone";
}

TEST(Schedule, KnowsTheMachinesMemory) { EXPECT_GT(available_memory(), 1e6); }

TEST(SweepResults, MeanAndSampleDeviation) {
  EXPECT_EQ(summarize({0.5}).mean, 0.5);
  EXPECT_FALSE(summarize({0.5}).deviation);
  EXPECT_DOUBLE_EQ(summarize({1, 2, 6}).mean, 3);
  EXPECT_DOUBLE_EQ(*summarize({1, 2, 6}).deviation, std::sqrt(7.0));
}

}  // namespace
}  // namespace lrurec::sweep
