#include "lrurec/train/time_left.h"

#include <gtest/gtest.h>

#include "lrurec/util/median.h"

namespace lrurec::train {
namespace {

TEST(TimeLeft, MedianOfAFew) {
  EXPECT_EQ(util::median({}), 0);
  EXPECT_EQ(util::median({3}), 3);
  EXPECT_EQ(util::median({9, 1, 2}), 2);
  EXPECT_EQ(util::median({4, 1, 2, 9}), 3);
}

// Regression: validation was not counted, so 40 steps of a millisecond with 40 rounds of a second had "at
// most 0:00 left".
TEST(TimeLeft, HasTheRoundsThatAreLeft) {
  TimeLeft left(10);
  left.add_step(0.001, 1);
  EXPECT_FALSE(left.knows_rounds());
  EXPECT_DOUBLE_EQ(left.seconds(0, 40), 0.04);
  left.add_round(1);
  EXPECT_TRUE(left.knows_rounds());
  EXPECT_DOUBLE_EQ(left.seconds(0, 40), 0.04 + 4);
  EXPECT_DOUBLE_EQ(left.seconds(9, 40), 0.031 + 4);
  EXPECT_DOUBLE_EQ(left.seconds(10, 40), 0.03 + 3);
  EXPECT_DOUBLE_EQ(left.seconds(10, 45), 0.035 + 4) << "with the one at the end";
  EXPECT_DOUBLE_EQ(left.seconds(39, 40), 0.001 + 1);
  EXPECT_EQ(left.seconds(45, 45), 0);
}

TEST(TimeLeft, ABusyMomentDoesNotSpoilIt) {
  TimeLeft left(10);
  for (const double seconds : {0.5, 100.0, 0.5}) left.add_step(seconds, 1);
  for (const double seconds : {2.0, 300.0, 2.0}) left.add_round(seconds);
  EXPECT_DOUBLE_EQ(left.seconds(0, 10), 0.5 * 10 + 2);
}

// Regression: the last batch's tokens were divided by the median time, so an epoch's end looked slow.
TEST(TimeLeft, ASmallBatchIsAsFastAsTheOthers) {
  TimeLeft left(10);
  EXPECT_EQ(left.tokens_per_second(), 0);
  for (int step = 0; step < 3; ++step) left.add_step(0.5, 1000);
  left.add_step(0.125, 250);
  EXPECT_DOUBLE_EQ(left.tokens_per_second(), 2000);
}

}  // namespace
}  // namespace lrurec::train
