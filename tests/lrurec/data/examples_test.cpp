#include "lrurec/data/examples.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lrurec/data/batches.h"
#include "tests/support/data.h"

namespace lrurec::data {
namespace {

using Ids = std::vector<std::int64_t>;

/// A user with the training items 5 3 8, and one of a single item.
Dataset two_users() { return test::make_dataset({{5, 3, 8, 1, 2}, {7}}); }

PackedBatch pack(const Dataset& data, const ExampleOptions& options) {
  return pack_examples(data, training_examples(data, options), options, Philox(1, 2));
}

TEST(Examples, PrefixesHaveTheLastItemsBeforeTheirLabel) {
  const PackedBatch all = pack(two_users(), {ExampleKind::prefixes, 2});
  EXPECT_EQ(all.items, (Ids{5, 5, 3, 0}));  // the last L = 2 labels of the first user
  EXPECT_EQ(all.labels, (Ids{3, 8, 7}));
  EXPECT_EQ(all.offsets, (Ids{0, 1, 3, 4}));
  EXPECT_EQ(all.predicted_from, (Ids{0, 2, 3}));
  EXPECT_EQ(all.users, (Ids{1, 1, 2}));
}

TEST(Examples, PairsSeeAllOtherItemsOfTheUser) {
  const PackedBatch all = pack(two_users(), {ExampleKind::pairs, 2});
  EXPECT_EQ(all.items, (Ids{3, 8, 5, 8, 5, 3}));
  EXPECT_EQ(all.labels, (Ids{5, 3, 8, 7}));
  EXPECT_EQ(all.offsets, (Ids{0, 2, 4, 6, 6}));
  EXPECT_EQ(all.users, (Ids{1, 1, 1, 2}));
}

TEST(Examples, TransitionsSeeTheItemBefore) {
  const PackedBatch all = pack(two_users(), {ExampleKind::transitions, 2});
  EXPECT_EQ(all.items, (Ids{0, 5, 3, 0}));
  EXPECT_EQ(all.labels, (Ids{5, 3, 8, 7}));
  EXPECT_EQ(all.offsets, (Ids{0, 1, 2, 3, 4}));
}

TEST(Examples, AClozeHidesAsManyAsItShould) {
  const Dataset data = make_demo({.users = 400, .items = 80, .mean_length = 20});
  const ExampleOptions options{ExampleKind::cloze, 30, 0.3};
  const PackedBatch all = pack(data, options);
  const std::int64_t mask = data.items() + 1;
  const auto labels = static_cast<double>(all.labels.size());
  double masked = 0, kept = 0;
  for (std::size_t i = 0; i < all.labels.size(); ++i) {
    const std::int64_t shown = all.items[static_cast<std::size_t>(all.predicted_from[i])];
    ASSERT_GE(all.labels[i], 1);
    ASSERT_LE(all.labels[i], data.items());
    masked += shown == mask ? 1 : 0;
    kept += shown == all.labels[i] ? 1 : 0;
  }
  EXPECT_NEAR(labels / static_cast<double>(all.tokens()), 0.3, 0.02);
  EXPECT_NEAR(masked / labels, 0.8, 0.02);
  EXPECT_NEAR(kept / labels, 0.1 + 0.1 / 80, 0.02);
  EXPECT_EQ(std::ranges::count(all.items, mask), static_cast<std::ptrdiff_t>(masked))
      << "none beside the labels";
}

TEST(Examples, AClozeThatHidesNothingHidesTheLastItemOfTheFirst) {
  const Dataset data = two_users();
  const PackedBatch all = pack(data, {ExampleKind::cloze, 5, 1e-9});
  EXPECT_EQ(all.labels, (Ids{8}));
  EXPECT_EQ(all.predicted_from, (Ids{2}));
  EXPECT_EQ(all.offsets, (Ids{0, 3}));
}

TEST(Examples, ASequenceToBeContinuedHidesOnlyTheItemThatItIsCutBehind) {
  const Dataset data = make_demo({.users = 400, .items = 80, .mean_length = 20});
  for (const double share : {0.0, 0.5, 1.0}) {
    const PackedBatch all = pack(data, {ExampleKind::cloze, 1000, 0.3, false, share});
    const std::int64_t mask = data.items() + 1;
    std::int64_t cut = 0, at_the_end = 0;
    std::size_t label = 0;
    for (std::size_t s = 0; s < all.users.size(); ++s) {
      const auto first = all.offsets[s], end = all.offsets[s + 1];
      const auto items = data.train(all.users[s] - 1);
      std::size_t labels = 0;
      while (label < all.labels.size() && all.predicted_from[label] < end) ++label, ++labels;
      const auto n = static_cast<std::size_t>(end - first);
      const Ids shown(all.items.begin() + first, all.items.begin() + end);
      if (labels != 1 || shown.back() != mask || !std::equal(shown.begin(), shown.end() - 1, items.begin()))
        continue;
      EXPECT_EQ(all.labels[label - 1], items[n - 1]);
      EXPECT_EQ(all.predicted_from[label - 1], end - 1);
      ++cut;
      at_the_end += n == items.size() ? 1 : 0;
    }
    const auto users = static_cast<double>(all.users.size());
    EXPECT_NEAR(static_cast<double>(cut) / users, share, share == 0.5 ? 0.08 : 0.02) << share;
    EXPECT_LE(static_cast<double>(at_the_end), 0.15 * users) << "cut anywhere";
  }
}

TEST(Examples, WhatAClozeHidesIsAFunctionOfTheStep) {
  const Dataset data = test::small_demo();
  const ExampleOptions options{ExampleKind::cloze, 6, 0.3};
  Batcher a(data, options, 16, 1), b(data, options, 16, 1);
  b.batch(3, 0);  // in any order
  EXPECT_EQ(a.batch(1, 1).items, b.batch(1, 1).items);
  EXPECT_NE(a.batch(1, 1).labels, a.batch(2, 1).labels);
}

}  // namespace
}  // namespace lrurec::data
