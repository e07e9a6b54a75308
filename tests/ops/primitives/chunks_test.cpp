#include "ops/primitives/chunks.h"

#include <gtest/gtest.h>

namespace lrurec::cuda {
namespace {

TEST(Chunks, CoverEverythingOnceInOrder) {
  for (const std::int64_t n : {0, 1, 63, 64, 65, 8192, 8193, 15300, 1000003}) {
    const Chunks chunks(n, 64, 128);
    EXPECT_GE(chunks.count, 1);
    EXPECT_LE(chunks.count, 128);
    EXPECT_GE(chunks.size, 64);
    std::int64_t at = 0;
    for (std::int64_t c = 0; c < chunks.count; ++c) {
      EXPECT_EQ(chunks.begin(c), at);
      EXPECT_TRUE(n == 0 || chunks.end(c) > at) << n << " elements, chunk " << c;
      at = chunks.end(c);
    }
    EXPECT_EQ(at, n);
  }
}

}  // namespace
}  // namespace lrurec::cuda
