#include "nn/optim/schedule.h"

#include <cmath>
#include <numbers>

#include "tests/support/tensors.h"

namespace lrurec::nn {
namespace {

using Shape = LrSchedule::Shape;

TEST(LrSchedule, IsOneThroughoutUnlessAskedOtherwise) {
  for (const std::int64_t step : {0, 1, 1000000}) EXPECT_EQ(LrSchedule{}.share(step), 1);
}

TEST(LrSchedule, RisesInALineToOneAtTheLastStepOfTheWarmUp) {
  const LrSchedule schedule{Shape::constant, 4};
  EXPECT_EQ(schedule.share(0), 0.25);
  EXPECT_EQ(schedule.share(1), 0.5);
  EXPECT_EQ(schedule.share(3), 1);
  EXPECT_EQ(schedule.share(4), 1);
}

TEST(LrSchedule, FallsInALineToTheFinalShareAndStaysThere) {
  const LrSchedule schedule{Shape::linear, 10, 110, 0.2};
  EXPECT_EQ(schedule.share(9), 1);
  EXPECT_EQ(schedule.share(10), 1);
  EXPECT_NEAR(schedule.share(60), 0.6, 1e-15);
  EXPECT_NEAR(schedule.share(109), 0.208, 1e-15);
  EXPECT_EQ(schedule.share(110), 0.2);
  EXPECT_EQ(schedule.share(5000), 0.2);
}

TEST(LrSchedule, FallsAlongHalfAWave) {
  const LrSchedule schedule{Shape::cosine, 0, 100, 0.1};
  EXPECT_EQ(schedule.share(0), 1);
  EXPECT_NEAR(schedule.share(25), 0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2, 1e-15);
  EXPECT_NEAR(schedule.share(50), 0.55, 1e-15);
  EXPECT_NEAR(schedule.share(100), 0.1, 1e-15);
  EXPECT_NEAR(schedule.share(101), 0.1, 1e-15);
}

// If the warm-up is as long as the whole schedule, a plain formula would divide by zero.
TEST(LrSchedule, AWarmUpMayLastAsLongAsTheDecay) {
  for (const auto shape : {Shape::linear, Shape::cosine}) {
    const LrSchedule schedule{shape, 10, 10, 0.5};
    EXPECT_EQ(schedule.share(9), 1);
    EXPECT_EQ(schedule.share(10), 0.5) << "at decay_steps";
    EXPECT_EQ(schedule.share(11), 0.5);
  }
}

// As with PyTorch's CosineAnnealingLR, whose T_max is decay_steps - warmup_steps.
TEST(LrSchedule, TheLastStepIsOneBeforeTheFinalShare) {
  const LrSchedule schedule{Shape::cosine, 4, 20};
  EXPECT_EQ(schedule.share(3), 1) << "the last of the warm-up";
  EXPECT_EQ(schedule.share(4), 1);
  EXPECT_NEAR(schedule.share(19), (1 + std::cos(std::numbers::pi * 15 / 16)) / 2, 1e-15);
  EXPECT_EQ(schedule.share(20), 0);
}

TEST(LrSchedule, HasNames) {
  EXPECT_EQ(parse_schedule("cosine"), Shape::cosine);
  EXPECT_EQ(parse_schedule("constant"), Shape::constant);
  test::expect_error(ErrorKind::usage, "there are constant, linear, cosine", [] { parse_schedule("step"); });
}

// Regression: the rate was silently 0 from the second step on.
TEST(LrSchedule, NeedsALengthToFallOver) {
  for (const LrSchedule& schedule : {LrSchedule{Shape::cosine}, LrSchedule{Shape::linear, 10, 9}}) {
    test::expect_error(ErrorKind::usage, "cannot be before the warm-up's end", [&] { schedule.share(0); });
  }
}

}  // namespace
}  // namespace lrurec::nn
