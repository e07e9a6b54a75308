#include "lrurec/data/prepare.h"

#include <sstream>

#include "lrurec/data/readers.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

using test::expect_error;
using test::TemporaryFolder;
using test::write_text;

Interactions inter(const std::string& lines) {
  const TemporaryFolder folder;
  std::string text = "user_id:token\titem_id:token\ttimestamp:float\n" + lines;
  std::replace(text.begin(), text.end(), ' ', '\t');
  return read_interactions(write_text(folder / "x.inter", text), Format::inter);
}

std::string sequence_text(const Dataset& data, std::int64_t user) {
  std::string text;
  for (const auto item : data.sequence(user))
    text += std::string(text.empty() ? "" : " ") + std::string(data.item_name(item));
  return text;
}

TEST(Prepare, OrdersByTimeWithExplicitTies) {
  const auto rows = inter("u 30 2\nu 4 1\nu 200 1\nu 1 -7\nu 100 1\n");
  EXPECT_EQ(sequence_text(prepare(rows, {}, Ties::file), 0), "1 4 200 100 30");
  EXPECT_EQ(sequence_text(prepare(rows, {}, Ties::item_id), 0), "1 4 100 200 30")
      << "as numbers, not as text";
  const std::string hashed = sequence_text(prepare(rows, {}, Ties::hash), 0);
  EXPECT_EQ(hashed,
            sequence_text(prepare(inter("u 100 1\nu 200 1\nu 4 1\nu 30 2\nu 1 -7\n"), {}, Ties::hash), 0))
      << "independent of the file's order";
}

TEST(Prepare, DropsImmediateRepeatsOnly) {
  const Dataset data = prepare(inter("u a 1\nu a 2\nu b 3\nu a 4\nv a 5\n"), {}, Ties::file);
  EXPECT_EQ(sequence_text(data, 0), "a b a");
  EXPECT_EQ(data.protocol().steps[1], (Step{"immediate repeats dropped", 2, 2, 4}));
}

// Regression: a row was dropped if the row before it in the file had the same user and item, so a log sorted
// by user and item lost rows that lay apart in time.
TEST(Prepare, TheOrderOfTheFileDecidesNothingWhereThereAreTimes) {
  const std::vector<std::string> rows{"u a 1\n", "u b 2\n", "u a 3\n", "u a 4\n",
                                      "v a 1\n", "v a 2\n", "v b 2\n"};
  const auto in_order = [&](const std::vector<std::size_t>& places) {
    std::string text;
    for (const auto place : places) text += rows[place];
    return prepare(inter(text), {}, Ties::hash);
  };
  const Dataset by_time = in_order({0, 4, 1, 5, 6, 2, 3});
  EXPECT_EQ(sequence_text(by_time, 0), "a b a");
  for (const auto& places :
       {std::vector<std::size_t>{0, 2, 3, 1, 4, 5, 6}, {0, 2, 3, 4, 5, 1, 6}, {6, 5, 4, 3, 2, 1, 0}}) {
    const Dataset other = in_order(places);
    EXPECT_EQ(other.fingerprint(), by_time.fingerprint());
    EXPECT_EQ(other.protocol().steps, by_time.protocol().steps);
  }
  auto without = inter("u a 1\nv b 2\nu a 3\nu b 4\n");
  without.time.clear();
  EXPECT_EQ(sequence_text(prepare(without, {}, Ties::file), 0), "a b") << "another user lies between";
}

// Rows that both exports hold are kept once, since the others are immediate repeats. With Ties::file rows of
// equal times may stand between them.
TEST(Prepare, OfExportsThatOverlapTheSameIsLeft) {
  const auto twice = inter("u a 1\nu b 1\nu c 2\nu a 1\nu b 1\nu c 2\n");
  const Dataset hashed = prepare(twice, {}, Ties::hash);
  EXPECT_EQ(hashed.interactions(), 3);
  EXPECT_FALSE(hashed.protocol().facts.contains("repeated_rows"));
  const Dataset as_there = prepare(twice, {}, Ties::file);
  EXPECT_EQ(sequence_text(as_there, 0), "a b a b c");
  EXPECT_EQ(as_there.protocol().facts.at("repeated_rows"), 2);
}

TEST(Prepare, KnowsAFileThatIsNewestFirst) {
  EXPECT_TRUE(mostly_newest_first(inter("u a 3\nv a 1\nu b 2\nu c 2\nu d 1\nv b 4\n")));
  EXPECT_FALSE(mostly_newest_first(inter("u a 1\nv a 1\nu b 2\nu c 2\nu d 1\nu e 3\n")));
  EXPECT_FALSE(mostly_newest_first(inter("u a 3\nv a 2\nw b 1\n"))) << "times of different users";
  EXPECT_FALSE(mostly_newest_first(inter("u a 1\nu b 1\n")));
}

TEST(Prepare, FilterOnceIsOnePassAndKcoreIsNot) {
  // Items with 2: a, b (c, d once). Then users with 2 of those: u, v; w has one left, so b falls to 1.
  const auto rows = inter("u a 1\nu c 2\nu b 3\nv a 1\nv d 2\nw b 1\nx a 1\nv e 3\nx e 2\nu e 4\n");
  const Dataset once = prepare(rows, Filter::parse("once:2"), Ties::file);
  EXPECT_EQ(once.users(), 3);  // u: a b e, v: a e, x: a e
  EXPECT_EQ(once.items(), 3);  // b is still there, with one interaction
  const Dataset core = prepare(rows, Filter::parse("kcore:2"), Ties::file);
  EXPECT_EQ(core.users(), 3);
  EXPECT_EQ(core.items(), 2);
  EXPECT_EQ(core.interactions(), 6);
  EXPECT_EQ(core.protocol().steps.back().what, "filter kcore:2");
}

TEST(Prepare, NumbersFollowTheOrderOfRawIds) {
  const Dataset numbers = prepare(inter("10 7 1\n9 70 1\n10 8 2\n"), {}, Ties::file);
  EXPECT_EQ(numbers.user_name(0), "9");
  EXPECT_EQ(numbers.item_name(1), "7");
  EXPECT_EQ(numbers.item_name(3), "70");
  const Dataset large = prepare(inter("u 9000000000000000000 1\nu 10 2\nu 9 3\n"), {}, Ties::file);
  EXPECT_EQ(large.item_name(1), "9") << "numbers of 19 digits are numbers too";
  EXPECT_EQ(large.item_name(3), "9000000000000000000");
  const Dataset texts = prepare(inter("b x10 1\na x9 1\n"), {}, Ties::file);
  EXPECT_EQ(texts.user_name(0), "a");
  EXPECT_EQ(texts.item_name(1), "x10");
}

// Regression: a single id that is no number made all ids compare as text, even if the filter dropped it
// later. "10" then came before "9", and another row was a repeat.
TEST(Prepare, WhatElseThereIsDoesNotChangeTheOrderOfTwoIds) {
  const std::string rows = "10 10 1\n10 9 1\n10 9 2\n9 10 1\n9 9 1\n9 9 2\n";
  for (const std::string more : {"", "9 undefined 1\n", "null 9 1\n", "null undefined 1\n"}) {
    const Dataset data = prepare(inter(rows + more), Filter::parse("once:2"), Ties::item_id);
    EXPECT_EQ(data.user_name(0), "9") << more;
    EXPECT_EQ(data.item_name(1), "9") << more;
    for (const std::int64_t user : {0, 1}) EXPECT_EQ(sequence_text(data, user), "9 10 9") << more;
  }
  const Dataset all = prepare(inter("u b 1\nu 07 1\nu 10 1\nu 9x 1\nu 7 1\nu 9 1\n"), {}, Ties::item_id);
  EXPECT_EQ(sequence_text(all, 0), "07 7 9 10 9x b") << "whole numbers by value, then texts";
}

TEST(Prepare, NothingLeftIsAnError) {
  expect_error(ErrorKind::data, "leaves nothing; try --filter none",
               [] { prepare(inter("u a 1\n"), Filter::parse("once:5"), Ties::file); });
  expect_error(ErrorKind::usage, "--filter", [] { Filter::parse("twice:5"); });
  expect_error(ErrorKind::usage, "--filter", [] { Filter::parse("once:0"); });
  expect_error(ErrorKind::usage, "--ties", [] { parse_ties("random"); });
}

TEST(Dataset, LeaveLastSplit) {
  const Dataset data = test::make_dataset({{1, 2, 3, 4, 5}, {2, 1}, {3, 4, 5}, {1}});
  for (const Split split : {Split::validation, Split::test}) {
    EXPECT_EQ(data.evaluated_users(split), (std::vector<std::int64_t>{0, 2}));
  }
  EXPECT_EQ(data.train(0).size(), 3u);
  EXPECT_EQ(data.target(0, Split::validation), 4);
  EXPECT_EQ(data.target(0, Split::test), 5);
  EXPECT_EQ(data.history(0, Split::test).size(), 4u);
  EXPECT_EQ(data.train(1).size(), 2u) << "fewer than 3 items: all for training";
  EXPECT_EQ(data.train(2).size(), 1u);
}

TEST(Dataset, SavesAndLoads) {
  const TemporaryFolder folder;
  const Dataset data = test::make_dataset({{1, 2, 3}, {3, 1}});
  data.save(folder / "d.lrd");
  EXPECT_EQ(Dataset::load(folder / "d.lrd"), data);
  EXPECT_EQ(Dataset::load(folder / "d.lrd").fingerprint(), data.fingerprint());
  EXPECT_NE(test::make_dataset({{1, 2, 3}, {3, 2}}).fingerprint(), data.fingerprint());
}

/// The content of a file before there were cuts.
struct FirstVersion {
  std::vector<std::int64_t> offsets{0, 3};
  std::vector<std::int32_t> ids{2, 1, 2};
  StringTable users, items;
  std::string source = "old", format, filter, ties, order;
  std::vector<Step> steps;
  std::map<std::string, double> facts{{"tied_share", 0.5}};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(offsets, ids, users, items, source, format, filter, ties, order, steps, facts);
  }
};

TEST(Dataset, ReadsFilesOfTheFirstVersion) {
  const TemporaryFolder folder;
  FirstVersion old;
  old.users.add("u");
  old.items.add("a");
  old.items.add("b");
  nn::write_envelope(folder / "d.lrd", "dataset", 1, nn::to_bytes(old));
  const Dataset data = Dataset::load(folder / "d.lrd");
  EXPECT_EQ(data.protocol().split, "leave-last-out");
  EXPECT_EQ(data.protocol().facts.at("tied_share"), 0.5);
  EXPECT_EQ(data.target(0, Split::test), 2);
  old.source = "";
  old.facts = {};
  EXPECT_EQ(data.fingerprint(), nn::fingerprint(nn::to_bytes(old)));
}

TEST(Prepare, SplitsByTimeWithoutALookAhead) {
  // Times 0 .. 19; validation from 16, the test from 18.
  const auto rows = inter(
      "u a 0\nu b 1\nu c 15\nu d 16\nu e 17\nu f 18\nu g 19\n"  // both targets
      "v a 2\nv b 3\nv c 4\nv d 5\n"                            // none
      "w a 6\nw b 19\n"                                         // the test's alone
      "x a 18\nx b 19\n"                                        // no history
      "y a 7\ny b 8\ny c 9\ny d 10\ny e 11\ny f 12\ny g 13\ny h 14\n");
  const Dataset data = prepare(rows, {}, Ties::file, {}, SplitRule::parse("time:0.7,0.8"));
  const double validation_from = data.protocol().facts.at("validation_from"),
               test_from = data.protocol().facts.at("test_from");
  EXPECT_EQ(validation_from, 16);
  EXPECT_EQ(test_from, 18);
  EXPECT_EQ(data.protocol().split, "time:0.7,0.8");
  const auto text = [&](Items items) {
    std::string names;
    for (const auto item : items) names += data.item_name(item);
    return names;
  };
  EXPECT_EQ(text(data.train(0)), "abc");
  EXPECT_EQ(text(data.history(0, Split::validation)), "abc");
  EXPECT_EQ(data.item_name(data.target(0, Split::validation)), "d");
  EXPECT_EQ(text(data.history(0, Split::test)), "abcde");
  EXPECT_EQ(data.item_name(data.target(0, Split::test)), "f");
  EXPECT_EQ(data.evaluated_users(Split::validation), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(data.evaluated_users(Split::test), (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(text(data.train(2)), "a");
  EXPECT_EQ(text(data.train(3)), "");
  EXPECT_EQ(text(data.train(4)), "abcdefgh");

  const TemporaryFolder folder;
  data.save(folder / "d.lrd");
  EXPECT_EQ(Dataset::load(folder / "d.lrd"), data);
  EXPECT_NE(prepare(rows, {}, Ties::file).fingerprint(), data.fingerprint());
}

TEST(Prepare, RefusesASplitByTimeThatCannotBe) {
  for (const char* text :
       {"time:", "time:0.9", "time:0.9,0.8", "time:0,0.5", "time:0.5,1", "time:a,b", "last"}) {
    expect_error(ErrorKind::usage, "--split must be", [&] { SplitRule::parse(text); });
  }
  auto rows = inter("u a 0\nu b 1\nu c 2\n");
  expect_error(ErrorKind::data, "nobody has both",
               [&] { prepare(inter("u a 0\nv b 1\nw c 2\n"), {}, Ties::file, {}, {.by_time = true}); });
  rows.time.clear();
  expect_error(ErrorKind::usage, "has no times",
               [&] { prepare(rows, {}, Ties::file, {}, {.by_time = true}); });
}

TEST(Dataset, UsersWithoutATargetHaveNoHistory) {
  const Dataset data = test::make_dataset({{1, 2}, {1}});
  for (const std::int64_t user : {0, 1}) {
    for (const Split split : {Split::validation, Split::test}) {
      expect_error(ErrorKind::internal, "has no ", [&] { data.history(user, split); });
      expect_error(ErrorKind::internal, "has no ", [&] { data.target(user, split); });
    }
  }
}

// A checksum shows damage, not tampering: whatever a well-sealed file says, loading it gives a data set whose
// numbers are in range, or an error.
TEST(Dataset, EveryAlteredBitUnderAValidChecksumIsSafe) {
  const TemporaryFolder folder;
  StringTable users, items;
  for (const char* name : {"a", "b"}) users.add(name);
  for (const char* name : {"x", "y", "z"}) items.add(name);
  const Dataset data({0, 3, 5}, {1, 2, 3, 3, 1}, users, items, {}, {{1, 1}, {1, 0}, {2, 1}});
  data.save(folder / "d.lrd");
  const auto payload = nn::read_envelope(folder / "d.lrd", "dataset", 2);
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * payload.size(); ++bit) {
    auto altered = payload;
    altered[bit / 8] ^= std::byte{1} << (bit % 8);
    nn::write_envelope(folder / "altered.lrd", "dataset", 2, altered);
    try {
      const Dataset loaded = Dataset::load(folder / "altered.lrd");
      std::int64_t total = 0;
      for (std::int64_t user = 0; user < loaded.users(); ++user) {
        total += std::ssize(loaded.sequence(user));
        for (const auto item : loaded.sequence(user)) {
          ASSERT_GE(item, 1);
          ASSERT_LE(item, loaded.items());
          EXPECT_LT(loaded.item_name(item).size(), payload.size());
        }
      }
      EXPECT_EQ(total, loaded.interactions());
      for (const Split split : {Split::validation, Split::test}) {
        for (const auto user : loaded.evaluated_users(split)) {
          ASSERT_LT(loaded.history(user, split).size(), loaded.sequence(user).size());
          ASSERT_LE(loaded.train(user).size(), loaded.history(user, split).size());
        }
      }
    } catch (const Error& e) {
      ++refused;
      EXPECT_EQ(e.kind(), ErrorKind::file) << e.what();
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Dataset, InconsistentArraysAreRefused) {
  StringTable one;
  one.add("x");
  const auto make = [&](std::vector<std::int64_t> offsets, std::vector<std::int32_t> ids,
                        const Cuts& cuts = {}) {
    return Dataset(std::move(offsets), std::move(ids), one, one, {}, cuts, "d.lrd");
  };
  EXPECT_EQ(make({0, 2}, {1, 1}).interactions(), 2);
  for (const auto& offsets :
       std::vector<std::vector<std::int64_t>>{{}, {0}, {0, 3}, {1, 2}, {0, 1, 2}, {0, -1, 2}}) {
    expect_error(ErrorKind::file, "d.lrd is inconsistent", [&] { make(offsets, {1, 1}); });
  }
  expect_error(ErrorKind::file, "an item id is out of range", [&] { make({0, 2}, {1, 2}); });
  expect_error(ErrorKind::file, "an item id is out of range", [&] { make({0, 2}, {0, 1}); });
  EXPECT_EQ(make({0, 2}, {1, 1}, {{1}, {1}, {0}}).train(0).size(), 1U);
  expect_error(ErrorKind::file, "the number of cuts", [&] { make({0, 2}, {1, 1}, {{1, 1}, {1}, {1}}); });
  expect_error(ErrorKind::file, "the number of cuts", [&] { make({0, 2}, {1, 1}, {{}, {1}, {1}}); });
  for (const Cuts& cuts : {Cuts{{3}, {0}, {0}}, Cuts{{-1}, {0}, {0}}, Cuts{{2}, {1}, {0}},
                           Cuts{{1}, {2}, {0}}, Cuts{{1}, {1}, {2}}, Cuts{{0}, {0}, {-1}}}) {
    expect_error(ErrorKind::file, "a cut is outside", [&] { make({0, 2}, {1, 1}, cuts); });
  }
}

}  // namespace
}  // namespace lrurec::data
