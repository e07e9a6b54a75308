#include "lrurec/eval/groups.h"

#include "lrurec/eval/evaluate.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"

namespace lrurec::eval {
namespace {

using test::expect_error;

std::vector<std::string> texts(const std::vector<Group>& groups) {
  std::vector<std::string> all;
  for (const auto& group : groups) all.push_back(group.text());
  return all;
}

TEST(Groups, AreOfAboutTheSameSizeAndKeepEqualValuesTogether) {
  const std::vector<std::int64_t> values{9, 1, 2, 3, 4, 5, 6, 7, 8, 1200};
  const auto five = make_groups(values);
  EXPECT_EQ(texts(five), (std::vector<std::string>{"1 .. 2", "3 .. 4", "5 .. 6", "7 .. 8", "9 .. 1,200"}));
  EXPECT_EQ(five[0].members, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(five[4].members, (std::vector<std::size_t>{0, 9}));

  const std::vector<std::int64_t> alike{3, 3, 3, 3, 3, 3, 3, 4, 5, 6};
  EXPECT_EQ(texts(make_groups(alike)), (std::vector<std::string>{"3", "4", "5 .. 6"}));
}

TEST(Groups, OfTargetsThatWereNeverTrainedOnAreOneOfTheirOwn) {
  const std::vector<std::int64_t> values{0, 5, 0, 6, 7, 8, 9, 0};
  const auto groups = make_groups(values, 2);
  EXPECT_EQ(texts(groups), (std::vector<std::string>{"0", "5 .. 6", "7 .. 9"}));
  EXPECT_EQ(groups[0].members, (std::vector<std::size_t>{0, 2, 7}));
  EXPECT_EQ(texts(make_groups(std::vector<std::int64_t>{0, 0})), (std::vector<std::string>{"0"}));
  EXPECT_TRUE(make_groups({}).empty());
}

TEST(Groups, HaveEveryUserOnceHoweverManyGroupsThereAre) {
  const auto data = test::small_demo();
  for (const auto by : {GroupBy::history, GroupBy::popularity}) {
    const auto values = group_values(data, data::Split::test, by);
    for (const std::int64_t count : {1, 2, 5, 1000}) {
      std::vector<int> seen(values.size());
      std::int64_t above = -1;
      for (const auto& group : make_groups(values, count)) {
        EXPECT_GT(group.least, above);
        above = group.most;
        for (const auto i : group.members) {
          ++seen[i];
          EXPECT_LE(group.least, values[i]);
          EXPECT_GE(group.most, values[i]);
        }
      }
      EXPECT_EQ(seen, std::vector<int>(values.size(), 1)) << name(by) << " " << count;
    }
  }
}

TEST(Groups, ValuesAreTheHistorysLengthAndTheTargetsTrainingInteractions) {
  // The second user has no target. Training items: 1 2, all of the second user's, 2 2.
  const auto data = test::make_dataset({{1, 2, 3, 2}, {2, 5}, {2, 2, 1, 4}});
  EXPECT_EQ(group_values(data, data::Split::test, GroupBy::history), (std::vector<std::int64_t>{3, 3}));
  EXPECT_EQ(group_values(data, data::Split::validation, GroupBy::history), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(group_values(data, data::Split::test, GroupBy::popularity), (std::vector<std::int64_t>{4, 0}));
  EXPECT_EQ(group_values(data, data::Split::validation, GroupBy::popularity),
            (std::vector<std::int64_t>{0, 1}));
}

TEST(Groups, AnUnknownNameIsAnErrorThatListsThem) {
  expect_error(ErrorKind::usage, "history and popularity", [] { (void)parse_group_by("age"); });
  EXPECT_EQ(parse_group_by("popularity"), GroupBy::popularity);
}

}  // namespace
}  // namespace lrurec::eval
