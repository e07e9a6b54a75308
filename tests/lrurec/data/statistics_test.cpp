#include "lrurec/data/statistics.h"

#include <algorithm>

#include "lrurec/data/prepare.h"
#include "lrurec/data/writers.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

using test::expect_error;
using test::TemporaryFolder;

TEST(Statistics, CountsByHand) {
  // Item 1: 4 times, item 2: 3, item 3: 2, item 4: 1.
  const Dataset data = test::make_dataset({{1, 2, 1, 3}, {2, 1, 4}, {1, 2, 3}});
  const Statistics s = statistics(data);
  EXPECT_EQ(s.users, 3);
  EXPECT_EQ(s.interactions, 10);
  EXPECT_DOUBLE_EQ(s.mean_length, 10.0 / 3);
  EXPECT_EQ(s.median_length, 3);
  EXPECT_EQ(s.longest, 4);
  EXPECT_DOUBLE_EQ(s.sparsity, 1 - 9.0 / 12);
  EXPECT_DOUBLE_EQ(s.repeats, 0.1) << "user 1 has item 1 twice";
  EXPECT_DOUBLE_EQ(s.top_1_percent, 0.4) << "at least one item";
  EXPECT_DOUBLE_EQ(s.gini, 0.25);
  EXPECT_EQ(s.unseen_targets, 3) << "training has 1 2, 2 and 1; the targets are 3, 4 and 3";
}

TEST(Statistics, AllAlikeHasNoGini) {
  EXPECT_DOUBLE_EQ(statistics(test::make_dataset({{1, 2, 3}, {3, 2, 1}})).gini, 0);
}

TEST(Shuffled, MixesTrainingItemsAlone) {
  const Dataset data = test::small_demo(), mixed = shuffled(data, 1);
  EXPECT_EQ(mixed, shuffled(data, 1));
  EXPECT_NE(mixed.fingerprint(), data.fingerprint());
  EXPECT_NE(mixed.fingerprint(), shuffled(data, 2).fingerprint());
  for (std::int64_t u = 0; u < data.users(); ++u) {
    std::vector<std::int32_t> a(data.train(u).begin(), data.train(u).end()),
        b(mixed.train(u).begin(), mixed.train(u).end());
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    EXPECT_EQ(a, b);
    if (data.evaluated(u, Split::test)) {
      EXPECT_EQ(data.target(u, Split::test), mixed.target(u, Split::test));
    }
  }
}

/// The same interactions with ids that every format can hold.
Dataset with_numbers() {
  const auto data = test::small_demo();
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> ids;
  StringTable users, items;
  for (std::int64_t u = 0; u < data.users(); ++u) {
    ids.insert(ids.end(), data.sequence(u).begin(), data.sequence(u).end());
    offsets.push_back(std::ssize(ids));
    users.add(std::to_string(u + 1));
  }
  for (std::int64_t i = 1; i <= data.items(); ++i) items.add(std::to_string(i));
  return Dataset(offsets, ids, users, items, {});
}

TEST(WriteRaw, EveryFormatIsSniffedAndGivesTheSameDataSet) {
  const TemporaryFolder folder;
  const Dataset data = with_numbers();
  for (const auto format : formats()) {
    const auto path = folder / "raw";
    write_raw(data, format, path);
    EXPECT_EQ(name(sniff_format(path).format), name(format));
    EXPECT_EQ(prepare(read_interactions(path, format), {}, Ties::file).fingerprint(), data.fingerprint())
        << name(format);
    const auto numbered = folder / "numbered";
    write_raw(test::small_demo(), format, numbered, /*numbers=*/true);
    EXPECT_EQ(test::read_text(numbered), test::read_text(path));
  }
  expect_error(ErrorKind::data, "cannot be written as movielens-dat",
               [&] { write_raw(test::small_demo(), Format::movielens_dat, folder / "raw"); });
  for (const char* id :
       {"0", "007", "9223372036854775808"}) {  // what its reader refuses, or takes for another
    StringTable users, items;
    users.add(id);
    items.add("1");
    const Dataset one({0, 1}, {1}, users, items, {});
    expect_error(ErrorKind::data, "cannot be written as sasrec, whose ids are 1, 2, 3, ...",
                 [&] { write_raw(one, Format::sasrec, folder / "raw"); });
  }
}

TEST(WriteRaw, KnowsWhatEachFormatHolds) {
  const TemporaryFolder folder;
  StringTable users, items;
  users.add("Smith, u0");
  items.add("a \"b\"");
  const Dataset one({0, 1}, {1}, users, items, {});
  write_raw(one, Format::inter, folder / "raw");
  EXPECT_EQ(read_interactions(folder / "raw", Format::inter).users[0], "Smith, u0");
  expect_error(ErrorKind::data, "--format amazon-json holds any text",
               [&] { write_raw(one, Format::amazon_csv, folder / "csv"); });
  StringTable lines, broken;
  lines.add("a\nb");
  broken.add("a\xFF");
  write_raw(Dataset({0, 1}, {1}, lines, items, {}), Format::steam, folder / "steam");
  EXPECT_EQ(read_interactions(folder / "steam", Format::steam).users[0], "a\nb");
  expect_error(ErrorKind::data, "is no text; try --numbers", [&] {
    write_raw(Dataset({0, 1}, {1}, broken, items, {}), Format::amazon_json, folder / "json");
  });
}

TEST(Statistics, SparsityCountsAPairOnce) {
  EXPECT_DOUBLE_EQ(statistics(test::make_dataset({{1, 2, 1, 2, 1, 2}, {2, 1, 2, 1, 2, 1}})).sparsity, 0);
}

TEST(WriteRaw, CountsRepeatsThatReadersDrop) {
  const TemporaryFolder folder;
  EXPECT_EQ(write_raw(test::make_dataset({{1, 1, 2}, {2, 1}, {1, 1, 1}}), Format::inter, folder / "raw"), 3);
  EXPECT_EQ(prepare(read_interactions(folder / "raw", Format::inter), {}, Ties::file).interactions(), 5);
}

TEST(Prepare, KnowsTheShareOfTies) {
  const TemporaryFolder folder;
  const auto rows =
      read_interactions(test::write_text(folder / "raw", "1::1::5::7\n1::2::5::7\n1::3::5::8\n2::1::5::7\n"),
                        Format::movielens_dat);
  EXPECT_EQ(prepare(rows, {}, Ties::file).protocol().facts.at("tied_share"), 0.5);
}

}  // namespace
}  // namespace lrurec::data
