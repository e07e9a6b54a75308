#include "lrurec/inspect/eigenvalues.h"
#include "lrurec/model/lrurec.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lrurec::inspect {
namespace {

const model::ModelConfig small{.num_items = 7, .hidden = 4, .channels = 9, .blocks = 3};

TEST(Eigenvalues, AreThoseOfEveryBlock) {
  const model::LRURec model(small, 5);
  const auto blocks = eigenvalues(model);
  ASSERT_EQ(blocks.size(), 3U);
  const auto means = model.mean_abs_lambda();
  for (std::size_t b = 0; b < 3; ++b) {
    ASSERT_EQ(blocks[b].size(), 9U);
    EXPECT_NEAR(mean_abs(blocks[b]), means[b], 1e-6);
  }
  EXPECT_NE(blocks[0], blocks[1]);
}

TEST(Eigenvalues, BeforeTrainingLieInTheRing) {
  EXPECT_EQ(initial_eigenvalues(small, 5), eigenvalues(model::LRURec(small, 5)));
  EXPECT_NE(initial_eigenvalues(small, 5), initial_eigenvalues(small, 6));
  for (const auto& block : initial_eigenvalues(small, 5)) {
    for (const auto z : block) {
      EXPECT_GE(std::abs(z), 0.8 - 1e-6);
      EXPECT_LE(std::abs(z), 0.99 + 1e-6);
    }
  }
}

TEST(Eigenvalues, HalfLifeIsWhenHalfIsLeft) {
  for (const std::complex<double> z : {std::polar(0.5, 1.0), std::polar(0.9, -2.0), std::polar(0.999, 0.0)}) {
    EXPECT_NEAR(std::pow(std::abs(z), half_life(z)), 0.5, 1e-12);
  }
  EXPECT_EQ(half_life(0), 0);
  EXPECT_NEAR(median_half_life({std::polar(0.25, 1.0), std::polar(0.5, 2.0), 0.99}), 1, 1e-12);
}

TEST(Eigenvalues, ThePapersOnesAreToldForItsDataSetsAlone) {
  EXPECT_EQ(published_mean_abs(3416), (std::vector<double>{.3927, .4216}));
  EXPECT_TRUE(published_mean_abs(3417).empty());
}

}  // namespace
}  // namespace lrurec::inspect
