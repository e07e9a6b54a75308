#include "ops/linear_cross_entropy/head_chunks.h"

#include <gtest/gtest.h>

namespace lrurec::ops {
namespace {

constexpr std::int64_t l2 = std::int64_t{60} << 20;

TEST(HeadChunks, CoverAllTokensAndKeepRowsAligned) {
  for (const std::int64_t tokens : {1, 127, 128, 129, 19000}) {
    for (const std::int64_t classes : {2, 7, 3417, 57290, 2'100'001}) {
      for (const std::int64_t asked : {0, 1, 100}) {
        const HeadChunks chunks(tokens, classes, 4, asked, l2);
        EXPECT_GE(chunks.row, classes);
        EXPECT_EQ(chunks.row * 4 % 16, 0);
        std::int64_t at = 0;
        for (std::int64_t k = 0; k < chunks.count(); ++k) {
          EXPECT_EQ(chunks.begin(k), at);
          EXPECT_GT(chunks.length(k), 0);
          EXPECT_LE(chunks.length(k), chunks.size);
          at += chunks.length(k);
        }
        EXPECT_EQ(at, tokens);
      }
    }
  }
}

TEST(HeadChunks, ScoresStayInTheCacheUntilThatIsTooFewRows) {
  EXPECT_EQ(HeadChunks(19000, 3417, 4, 0, l2).size, 2176);  // 29.8 MB
  EXPECT_EQ(HeadChunks(19000, 3417, 4, 0, l2 / 2).size, 1024);
  EXPECT_EQ(HeadChunks(19000, 57290, 4, 0, l2).size, 128);
  EXPECT_EQ(HeadChunks(19000, 2'100'001, 4, 0, l2).size, 128);
  EXPECT_EQ(HeadChunks(19000, 3417, 4, 7, l2).size, 7);
}

}  // namespace
}  // namespace lrurec::ops
