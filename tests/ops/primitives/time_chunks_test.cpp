#include "ops/primitives/time_chunks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>

namespace lrurec::cuda {
namespace {

TEST(TimeChunks, ABlockHasWarpsForTheAverageSequence) {
  EXPECT_EQ(scan_warps(0, 0), 1);
  EXPECT_EQ(scan_warps(16, 1), 1);
  EXPECT_EQ(scan_warps(17, 1), 2);
  EXPECT_EQ(scan_warps(100 * 33, 100), 4);
  EXPECT_EQ(scan_warps(128 * 200, 128), 8);
  EXPECT_EQ(scan_warps(1'000'000, 1), 8);
}

TEST(TimeChunks, OnlyFewLongSequencesAreCut) {
  EXPECT_TRUE(cut_time(4096, 1));
  EXPECT_FALSE(cut_time(4095, 1));
  EXPECT_TRUE(cut_time(32 * 4096, 32));
  EXPECT_FALSE(cut_time(33 * 4096, 33));
  EXPECT_FALSE(cut_time(0, 0));
}

TEST(TimeChunks, CoverEverySequenceInOrder) {
  const std::vector<std::int64_t> offsets{0, 5, 5, 9, 10, 26};
  const auto chunks = time_chunks(offsets.data(), 5, 4);
  ASSERT_EQ(chunks.size(), 9U);  // 4 1 | empty | 4 | 1 | 4 4 4 4
  std::int64_t at = 0;
  for (std::size_t k = 0; k < chunks.size(); ++k) {
    const TimeChunk& c = chunks[k];
    EXPECT_EQ(c.begin, at);
    EXPECT_LE(c.end - c.begin, 4);
    const auto s = static_cast<std::size_t>(c.sequence);
    EXPECT_EQ(c.first, c.begin == offsets[s]) << k;
    EXPECT_EQ(c.last, c.end == offsets[s + 1]) << k;
    at = c.end;
  }
  EXPECT_EQ(at, 26);
  EXPECT_TRUE(chunks[2].first && chunks[2].last && chunks[2].begin == chunks[2].end);
}

// What carries a state over a chunk: lambda to the power of its rows.
TEST(TimeChunks, ThePowerOfLambdaIsThatManyProducts) {
  using C = std::complex<double>;
  const C lambda = std::polar(0.999, 0.3);
  const auto product = [](const C& a, const C& b) { return a * b; };
  C expected = 1;
  for (std::int64_t n = 0; n <= 2100; ++n) {
    EXPECT_LT(std::abs(power(lambda, n, C(1), product) - expected), 1e-12) << n;
    expected *= lambda;
  }
}

}  // namespace
}  // namespace lrurec::cuda
