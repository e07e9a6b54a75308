#include "lrurec/eval/statistics.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lrurec/eval/metrics.h"
#include "lrurec/eval/protocol.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec::eval {
namespace {

using test::expect_error;

/// `hits` targets at rank 1, the others far away.
std::vector<std::int64_t> ranks(std::int64_t hits, std::int64_t users) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(users), 1000);
  std::fill_n(all.begin(), hits, 1);
  return all;
}

TEST(Bootstrap, GivesTheBinomialsIntervalForRecall) {
  const auto interval = bootstrap_intervals(ranks(300, 1000)).at("Recall@10");
  const double width = 1.96 * std::sqrt(0.3 * 0.7 / 1000);
  EXPECT_NEAR(interval.low, 0.3 - width, 0.004);
  EXPECT_NEAR(interval.high, 0.3 + width, 0.004);
  EXPECT_LT(interval.low, interval.high);
}

TEST(Bootstrap, KnowsEveryMetricAndTheTargetsThatCannotBeRecommended) {
  std::vector<std::int64_t> some{1, 3, 7, 60, Metrics::never, 10, 11};
  Metrics metrics;
  for (const auto rank : some) metrics.add(rank);
  const auto intervals = bootstrap_intervals(some);
  for (const auto& [name, value] : metrics.all()) {
    EXPECT_LE(intervals.at(name).low, value + 1e-12) << name;
    EXPECT_GE(intervals.at(name).high, value - 1e-12) << name;
  }
  const auto certain = bootstrap_intervals(ranks(20, 20)).at("NDCG@10");
  EXPECT_EQ(certain.low, 1);
  EXPECT_EQ(certain.high, 1);
}

TEST(Bootstrap, IsAFunctionOfItsSeed) {
  std::vector<std::int64_t> some(60);
  std::iota(some.begin(), some.end(), 1);
  const auto low = [&](std::uint64_t seed) { return bootstrap_intervals(some, 500, seed).at("NDCG@10").low; };
  EXPECT_EQ(low(3), low(3));
  EXPECT_NE(low(3), low(4));
}

TEST(ComparePaired, FindsADifferenceThatIsThereAndNoneThatIsNot) {
  auto a = ranks(300, 1000), b = a;
  for (std::size_t i = 300; i < 330; ++i) b[i] = 1;  // 30 users better, none worse
  const auto better = compare_paired(a, b, "Recall@10");
  EXPECT_NEAR(better.difference, 0.03, 1e-12);
  EXPECT_NEAR(better.a, 0.3, 1e-12);
  EXPECT_EQ(better.differing, 30);
  EXPECT_LT(better.p, 0.001);
  EXPECT_GT(better.interval.low, 0);
  EXPECT_LT(compare_paired(b, a, "Recall@10").interval.high, 0);

  for (std::size_t i = 0; i < 28; ++i) b[i] = 1000;  // and 28 worse
  const auto chance = compare_paired(a, b, "Recall@10");
  EXPECT_GT(chance.p, 0.5);
  EXPECT_LT(chance.interval.low, 0);
  EXPECT_GT(chance.interval.high, 0);
  EXPECT_EQ(compare_paired(a, a, "NDCG@10").p, 1);
}

// 3 users differ, all in one direction. Of the 8 ways to flip their signs, 2 are as far from 0.
TEST(ComparePaired, TheProbabilityIsThatOfTheSigns) {
  const auto p = compare_paired(ranks(0, 10), ranks(3, 10), "Recall@1").p;
  EXPECT_NEAR(p, 0.25, 0.02);
}

TEST(ComparePaired, RefusesUnknownMetricsAndOtherUsers) {
  expect_error(ErrorKind::internal, "there is no metric 'Recall@11'",
               [] { compare_paired(ranks(1, 2), ranks(1, 2), "Recall@11"); });
  expect_error(ErrorKind::internal, "2 and 3 users",
               [] { compare_paired(ranks(1, 2), ranks(1, 3), "Recall@10"); });
}

TEST(ProtocolCard, SaysWhatIsUnlike) {
  const data::Dataset data = test::small_demo(), other = test::small_demo(2);
  const ProtocolCard card(data, data::Split::test, Mask::window, 50, 0, 60);
  EXPECT_TRUE(ProtocolCard::differences(card, card).empty());
  const auto unlike = [&](const ProtocolCard& b, const std::string& what) {
    const auto found = ProtocolCard::differences(card, b);
    ASSERT_EQ(found.size(), 1U) << what;
    EXPECT_TRUE(found[0].starts_with(what)) << found[0];
  };
  unlike({data, data::Split::validation, Mask::window, 50, 0, 60}, "split");
  unlike({data, data::Split::test, Mask::all, 50, 0, 60}, "mask");
  unlike({data, data::Split::test, Mask::window, 20, 0, 60}, "mask");
  unlike({data, data::Split::test, Mask::window, 50, 100, 60}, "candidates");
  unlike({other, data::Split::test, Mask::window, 50, 0, 60}, "data");
  // Under the mask `all` the candidates do not depend on what the model reads.
  EXPECT_TRUE(ProtocolCard::differences({data, data::Split::test, Mask::all, 50, 0, 60},
                                        {data, data::Split::test, Mask::all, 20, 0, 60})
                  .empty());
  // The same data made in another way, or said to be.
  ProtocolCard renamed = card;
  renamed.filter = "another name";
  renamed.ties = "another name";
  EXPECT_TRUE(ProtocolCard::differences(card, renamed).empty());
  renamed.fingerprint = other.fingerprint();
  EXPECT_EQ(ProtocolCard::differences(card, renamed).size(), 3U) << "data, filter and ties";
  EXPECT_NE(card.text().find("without those in the last 50"), std::string::npos);
  EXPECT_EQ(card.json()["mask"], "window");
  expect_error(ErrorKind::usage, "not 'some'", [] { parse_mask("some"); });
}

}  // namespace
}  // namespace lrurec::eval
