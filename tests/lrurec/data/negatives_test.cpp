#include "lrurec/data/negatives.h"

#include <omp.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

TEST(Negatives, AreAFunctionOfSeedStepAndPosition) {
  const auto draw = [](std::uint64_t seed, std::int64_t step, const Shape& shape) {
    return draw_negatives(seed, step, shape, 1000).to_vector<std::int64_t>();
  };
  const auto base = draw(1, 7, {50, 4});
  EXPECT_EQ(draw(1, 7, {50, 4}), base);
  EXPECT_EQ(draw(1, 7, {200}), base) << "the shape is only a reading";
  const auto longer = draw(1, 7, {40000});
  EXPECT_TRUE(std::equal(base.begin(), base.end(), longer.begin())) << "position decides, not the amount";
  EXPECT_NE(draw(2, 7, {50, 4}), base);
  EXPECT_NE(draw(1, 8, {50, 4}), base);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  EXPECT_EQ(draw(1, 7, {40000}), longer);
  omp_set_num_threads(before);
}

TEST(Negatives, AreUniformOverTheItemsWithoutTheStartToken) {
  constexpr std::int64_t items = 10, n = 50000;
  std::vector<std::int64_t> counts(items + 1);
  for (const auto id : draw_negatives(3, 0, {n}, items).to_vector<std::int64_t>()) {
    ++counts.at(static_cast<std::size_t>(id));
  }
  EXPECT_EQ(counts[0], 0);
  for (std::size_t i = 1; i <= items; ++i) {
    EXPECT_NEAR(static_cast<double>(counts[i]), n / items, 300) << i;  // 4.5 standard deviations
  }
  EXPECT_EQ(draw_negatives(3, 0, {2}, 1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 1}));
  test::expect_error(ErrorKind::internal, "no items", [] { draw_negatives(3, 0, {2}, 0); });
}

TEST(Candidates, AreDifferentItemsAndNoneThatIsExcluded) {
  const std::vector<std::int32_t> excluded{7, 1, 1, 20, 8, 13};
  for (const std::int64_t count : {1, 5, 14, 15, 100}) {
    for (std::uint64_t key = 0; key < 20; ++key) {
      const auto items = draw_candidates(1, key, count, 20, excluded);
      const std::set<std::int64_t> different(items.begin(), items.end());
      EXPECT_EQ(std::ssize(different), std::min<std::int64_t>(count, 15));
      EXPECT_EQ(different.size(), items.size());
      for (const auto item : excluded) EXPECT_FALSE(different.contains(item));
      EXPECT_GE(*different.begin(), 1);
      EXPECT_LE(*different.rbegin(), 20);
    }
  }
  EXPECT_TRUE(draw_candidates(1, 0, 5, 3, std::vector<std::int32_t>{1, 2, 3}).empty());
  test::expect_error(ErrorKind::internal, "must be in 1..3",
                     [] { draw_candidates(1, 0, 1, 3, std::vector<std::int32_t>{4}); });
}

TEST(Candidates, EverySetIsAsLikely) {
  // 4 items of 1..7 without 3: 15 sets.
  std::map<std::set<std::int64_t>, int> counts;
  constexpr int draws = 15000;
  for (int key = 0; key < draws; ++key) {
    const auto items =
        draw_candidates(5, static_cast<std::uint64_t>(key), 4, 7, std::vector<std::int32_t>{3});
    ++counts[{items.begin(), items.end()}];
  }
  EXPECT_EQ(counts.size(), 15u);
  for (const auto& [set, count] : counts) EXPECT_NEAR(count, draws / 15, 140);  // 4.6 standard deviations
}

TEST(Candidates, AreAFunctionOfSeedAndKey) {
  const std::vector<std::int32_t> none;
  EXPECT_EQ(draw_candidates(1, 4, 50, 2000000, none), draw_candidates(1, 4, 50, 2000000, none));
  EXPECT_NE(draw_candidates(1, 4, 50, 2000000, none), draw_candidates(1, 5, 50, 2000000, none));
  EXPECT_NE(draw_candidates(1, 4, 50, 2000000, none), draw_candidates(2, 4, 50, 2000000, none));
}

}  // namespace
}  // namespace lrurec::data
