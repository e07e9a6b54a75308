#include "ops/primitives/runs.h"

#include <gtest/gtest.h>

#include <vector>

namespace lrurec::cuda {
namespace {

TEST(Runs, WhichRunsCrossTheirChunk) {
  std::vector<std::int32_t> keys(10, 1);  // 10 ones, 30 twos, 8 threes, 3 fours: chunks end at 16, 32, 48, 51
  keys.insert(keys.end(), 30, 2);
  keys.insert(keys.end(), 8, 3);
  keys.insert(keys.end(), 3, 4);
  static_assert(run_chunk == 16);
  const auto n = static_cast<std::int64_t>(keys.size());
  const auto chunk = [&](std::int64_t c) { return ChunkOfRuns(keys.data(), n, c); };

  EXPECT_EQ(chunk(0).first, 0);
  EXPECT_EQ(chunk(0).last, 16);
  EXPECT_FALSE(chunk(0).began_before(1));
  EXPECT_FALSE(chunk(0).goes_on(1));
  EXPECT_FALSE(chunk(0).began_before(2));
  EXPECT_TRUE(chunk(0).goes_on(2));
  EXPECT_TRUE(chunk(1).began_before(2));  // the whole chunk is inside the run
  EXPECT_TRUE(chunk(1).goes_on(2));
  EXPECT_TRUE(chunk(2).began_before(2));
  EXPECT_FALSE(chunk(2).goes_on(2));
  EXPECT_FALSE(chunk(2).goes_on(3));  // it ends with the chunk
  EXPECT_EQ(chunk(3).last, n);
  EXPECT_FALSE(chunk(3).began_before(4));
  EXPECT_FALSE(chunk(3).goes_on(4));
}

TEST(Runs, EachPartHasItsOwnPlace) {
  EXPECT_EQ(part_of_run(0, false), 1);
  EXPECT_EQ(part_of_run(1, true), 2);
  EXPECT_EQ(part_of_run(1, false), 3);
}

}  // namespace
}  // namespace lrurec::cuda
