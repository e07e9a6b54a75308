#include "lrurec/data/batches.h"

#include <cmath>
#include <map>
#include <numeric>

#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

/// One user with n training items 1..n (and two more, held out).
Dataset user_with(std::int32_t n) {
  std::vector<std::int32_t> items(static_cast<std::size_t>(n + 2));
  std::iota(items.begin(), items.end(), 1);
  return test::make_dataset({items});
}

struct Packed {
  std::vector<std::int64_t> items, labels, offsets;
  friend bool operator==(const Packed&, const Packed&) = default;
};

std::vector<Packed> pack_all(const Dataset& data, std::int64_t L) {
  std::vector<Packed> result;
  for (const auto& window : training_windows(data, L)) {
    PackedBatch batch;
    pack_window(data, window, L, batch);
    result.push_back({batch.items, batch.labels, batch.offsets});
  }
  return result;
}

using Expected = std::vector<Packed>;

// L = 3, by hand from the rules: below 2 L one window, from 2 L on full windows counted from the end.
TEST(Windows, AroundTheMaximumLength) {
  EXPECT_EQ(pack_all(user_with(1), 3), (Expected{{{0}, {1}, {0, 1}}}));
  EXPECT_EQ(pack_all(user_with(2), 3), (Expected{{{0, 1}, {1, 2}, {0, 1, 2}}}));
  EXPECT_EQ(pack_all(user_with(3), 3), (Expected{{{0, 1, 2}, {1, 2, 3}, {0, 1, 3}}}));
  // n > L: no start token, the first label is predicted from the item before it.
  EXPECT_EQ(pack_all(user_with(4), 3), (Expected{{{1, 2, 3}, {2, 3, 4}, {0, 3}}}));
  EXPECT_EQ(pack_all(user_with(5), 3), (Expected{{{2, 3, 4}, {3, 4, 5}, {0, 3}}}));
  // n = 2 L: two full windows, each with a start token.
  EXPECT_EQ(pack_all(user_with(6), 3),
            (Expected{{{0, 4, 5}, {4, 5, 6}, {0, 1, 3}}, {{0, 1, 2}, {1, 2, 3}, {0, 1, 3}}}));
  // n = 2 L + 2: the head of two items is dropped.
  EXPECT_EQ(pack_all(user_with(8), 3),
            (Expected{{{0, 6, 7}, {6, 7, 8}, {0, 1, 3}}, {{0, 3, 4}, {3, 4, 5}, {0, 1, 3}}}));
}

// With the heads every training item is a label once, whatever the length.
TEST(Windows, WithHeadsEveryItemIsALabelOnce) {
  for (std::int32_t n = 1; n <= 14; ++n) {
    for (std::int64_t L = 1; L <= 5; ++L) {
      const Dataset data = user_with(n);
      std::vector<std::int64_t> labels;
      for (const auto& window : training_windows(data, L, /*with_heads=*/true)) {
        EXPECT_LE(label_count(window, L), L);
        PackedBatch batch;
        pack_window(data, window, L, batch);
        EXPECT_LE(std::ssize(batch.items), L);
        labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
      }
      std::vector<std::int64_t> all(static_cast<std::size_t>(n));
      std::iota(all.begin(), all.end(), 1);
      std::ranges::sort(labels);
      EXPECT_EQ(labels, all) << n << " items, L = " << L;
    }
  }
}

TEST(Windows, MaximumLengthOne) {
  EXPECT_EQ(pack_all(user_with(1), 1), (Expected{{{0}, {1}, {0, 1}}}));
  EXPECT_EQ(pack_all(user_with(2), 1), (Expected{{{0}, {2}, {0, 1}}, {{0}, {1}, {0, 1}}}));
}

TEST(Windows, UsersOfFewerThanThreeItemsTrainOnAllOfThem) {
  const Dataset data = test::make_dataset({{1, 2}, {3}});
  EXPECT_EQ(training_windows(data, 5).size(), 2u);
}

TEST(Batcher, AnEpochHoldsEveryWindowOnce) {
  const Dataset data = test::small_demo();
  Batcher batcher(data, {.max_length = 5}, 16, 1);
  std::map<std::int64_t, std::int64_t> wanted, found;
  for (const auto& packed : pack_all(data, 5)) {
    for (const auto label : packed.labels) ++wanted[label];
  }
  std::int64_t sequences = 0;
  for (std::int64_t b = 0; b < batcher.steps_per_epoch(); ++b) {
    const PackedBatch batch = batcher.batch(3, b);
    sequences += batch.sequences;
    ASSERT_EQ(batch.items.size(), batch.labels.size());
    ASSERT_EQ(batch.offsets.back(), batch.tokens());
    for (const auto label : batch.labels) ++found[label];
  }
  EXPECT_EQ(sequences, batcher.examples());
  EXPECT_EQ(found, wanted);
}

TEST(Batcher, IsAFunctionOfSeedEpochAndIndex) {
  const Dataset data = test::small_demo();
  Batcher a(data, {.max_length = 5}, 16, 1), b(data, {.max_length = 5}, 16, 1),
      other(data, {.max_length = 5}, 16, 2);
  const auto first = a.batch(0, 1);
  a.batch(7, 0);
  EXPECT_EQ(a.batch(0, 1).items, first.items) << "after another epoch";
  EXPECT_EQ(b.batch(0, 1).items, first.items) << "asked for at once";
  EXPECT_NE(a.batch(1, 1).items, first.items);
  EXPECT_NE(other.batch(0, 1).items, first.items);
}

TEST(Batcher, ImpossibleRequestsAreRefused) {
  const Dataset data = test::small_demo();
  test::expect_error(ErrorKind::internal, "maximum length", [&] { Batcher(data, {.max_length = 0}, 16, 1); });
  test::expect_error(ErrorKind::internal, "batch size", [&] { Batcher(data, {.max_length = 5}, 0, 1); });
  Batcher batcher(data, {.max_length = 5}, 16, 1);
  const auto steps = batcher.steps_per_epoch();
  EXPECT_GT(batcher.batch(0, steps - 1).sequences, 0);
  test::expect_error(ErrorKind::internal, "there is no batch", [&] { batcher.batch(0, steps); });
  test::expect_error(ErrorKind::internal, "there is no batch", [&] { batcher.batch(0, -1); });
  test::expect_error(ErrorKind::internal, "there is no batch", [&] { batcher.batch(-1, 0); });
}

TEST(PackHistories, RefusesAUserWithoutATarget) {
  const Dataset data = test::make_dataset({{1, 2, 3}, {1}});
  const std::vector<std::int64_t> users{0, 1};
  test::expect_error(ErrorKind::internal, "has no val target",
                     [&] { pack_histories(data, users, Split::validation, 3); });
}

TEST(PackHistories, TakesTheLastItemsBeforeTheTarget) {
  const Dataset data = test::make_dataset({{1, 2, 3, 4, 5, 6}, {3, 2, 1}});
  const std::vector<std::int64_t> users{1, 0};
  const auto validation = pack_histories(data, users, Split::validation, 3);
  EXPECT_EQ(validation.items, (std::vector<std::int64_t>{3, 2, 3, 4}));
  EXPECT_EQ(validation.offsets, (std::vector<std::int64_t>{0, 1, 4}));
  const auto test = pack_histories(data, users, Split::test, 3);
  EXPECT_EQ(test.items, (std::vector<std::int64_t>{3, 2, 3, 4, 5}));
}

TEST(Demo, IsAFunctionOfItsSeedAndNoUserRepeatsAnItem) {
  EXPECT_EQ(test::small_demo(), test::small_demo());
  EXPECT_NE(test::small_demo(1).fingerprint(), test::small_demo(2).fingerprint());
  const Dataset data = test::small_demo();
  for (std::int64_t u = 0; u < data.users(); ++u) {
    std::vector<std::int32_t> items(data.sequence(u).begin(), data.sequence(u).end());
    EXPECT_GE(items.size(), 5u);
    std::sort(items.begin(), items.end());
    EXPECT_EQ(std::unique(items.begin(), items.end()), items.end());
  }
}

TEST(Demo, DrawsFollowTheStatedDistribution) {
  const DemoProcess process({.users = 1, .items = 24, .mean_length = 5, .classes = 3, .seed = 4});
  const std::vector<std::int32_t> history{5, 9, 2, 17};
  const auto p = process.next_distribution(history);
  std::vector<double> counts(p.size());
  constexpr int draws = 100000;
  for (int user = 0; user < draws; ++user)
    ++counts[static_cast<std::size_t>(process.draw_next(user, history) - 1)];
  double total = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    total += p[i];
    EXPECT_NEAR(counts[i] / draws, p[i], 5 * std::sqrt(p[i] / draws) + 1e-9) << "item " << i + 1;
  }
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_EQ(p[4], 0) << "seen";

  auto sorted = p;
  std::sort(sorted.rbegin(), sorted.rend());
  const auto best = process.likeliest(history, 10);
  EXPECT_NEAR(best.probability, std::accumulate(sorted.begin(), sorted.begin() + 10, 0.0), 1e-12);
  ASSERT_EQ(best.items.size(), 10u);
  EXPECT_EQ(p[static_cast<std::size_t>(best.items[0] - 1)], sorted[0]);
}

TEST(Demo, TheLastItemAloneTellsNothingAboutTheNextClass) {
  // For each last item, averaged over all items before it of other classes, every class is equally likely.
  const DemoProcess process({.users = 1, .items = 40, .mean_length = 5, .classes = 4, .seed = 1});
  std::vector<double> mean(40);
  for (std::int32_t before = 1; before <= 40; ++before) {
    if (before == 7) continue;
    const auto p = process.next_distribution(std::vector<std::int32_t>{before, 7});
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += p[i] / 39;
  }
  // Items of the same place in their class have the same mean, except that seen items are less likely.
  std::sort(mean.begin(), mean.end());
  EXPECT_LT(mean.back(), 0.16);
  const Dataset data = make_demo({});
  const auto& facts = data.protocol().facts;
  EXPECT_NEAR(facts.at("best_possible_recall10_test"), facts.at("optimal_ranking_recall10_test"), 0.03);
}

TEST(Demo, ImpossibleShapesAreRefused) {
  test::expect_error(ErrorKind::usage, "--demo-users must be at least 1, not 0",
                     [] { make_demo({.users = 0}); });
  test::expect_error(ErrorKind::usage, "--demo-items must be at least 32, four for each of 8 classes, not 31",
                     [] { make_demo({.items = 31}); });
  test::expect_error(ErrorKind::usage, "--demo-length must be at least 5, not 2",
                     [] { make_demo({.mean_length = 2}); });
  test::expect_error(ErrorKind::usage, "--demo-length 60 needs --demo-items of at least 240",
                     [] { make_demo({.items = 100, .mean_length = 60}); });
  test::expect_error(ErrorKind::usage, "--demo-length must be at least 5, not nan",
                     [] { make_demo({.mean_length = std::nan("")}); });
  test::expect_error(ErrorKind::usage, "at most 2^31 - 2", [] { make_demo({.items = 3'000'000'000}); });
  test::expect_error(ErrorKind::usage, "at most 2^31 - 2", [] { make_demo({.users = 99'999'999'999}); });
}

}  // namespace
}  // namespace lrurec::data
