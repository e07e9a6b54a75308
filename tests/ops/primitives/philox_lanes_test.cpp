#include "ops/primitives/philox_lanes.h"

#include <gtest/gtest.h>

namespace lrurec {
namespace {

TEST(PhiloxLanes, AreTheSameNumbers) {
  // Every half of seed and stream matters; the second counters run across the carry into the second word.
  const Philox random(0x123456789abcdef0, 0xfedcba9876543210);
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xfffffff8}, ~std::uint64_t{0} - 20}) {
    PhiloxLanes::Pairs pairs;
    PhiloxLanes(random).pairs(first, pairs);
    for (std::size_t l = 0; l < PhiloxLanes::count; ++l) {
      const auto words = random.words(first + l);
      EXPECT_EQ(pairs[2 * l], words[0] | std::uint64_t{words[1]} << 32) << l;
      EXPECT_EQ(pairs[2 * l + 1], words[2] | std::uint64_t{words[3]} << 32) << l;
    }
  }
}

}  // namespace
}  // namespace lrurec
