// lrurec data: what it says of the order of items, and what it writes over.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::TemporaryFolder;
using test::write_text;

/// "user item" a line: `next` gives the item after one, from 1.
template <class Next>
std::string sequences(std::size_t users, std::size_t length, Next next) {
  std::string text;
  for (std::size_t user = 1; user <= users; ++user) {
    for (std::size_t t = 0, item = 0; t < length; ++t) {
      text += fmt::format("{} {}\n", user, item = next(item));
    }
  }
  return text;
}

struct Order {
  double here, shuffled;
  std::string verdict;
};

Order order_of(const TemporaryFolder& folder, const std::string& raw) {
  write_text(folder / "raw", raw);
  EXPECT_EQ(run_lrurec(folder, "prepare raw -o x.lrd --format sasrec --force -q").code, 0);
  const auto json = nlohmann::json::parse(run_lrurec(folder, "data stats x.lrd --json").out)["order"];
  EXPECT_EQ(json["mask"], "all");
  const std::string shown = run_lrurec(folder, "data stats x.lrd").out;
  const auto begin = shown.find("\n\n") + 2;
  return {json["markov_ndcg10"], json["markov_ndcg10_shuffled"],
          shown.substr(begin, shown.find('\n', begin) - begin)};
}

// Regression: of 70 data sets of independent items, 30 had an order that "matters", one of them "worth
// 380348356%".
TEST(DataCommand, OrderMattersWhereThereIsSome) {
  const TemporaryFolder folder;
  std::mt19937 random(3);
  const auto any = [&](std::size_t items) {
    return [&, items](std::size_t) { return 1 + random() % items; };
  };
  int better = 0;
  for (int i = 0; i < 8; ++i) {
    const Order order = order_of(folder, sequences(200, 15, any(100)));
    EXPECT_EQ(order.verdict.find("The order of items matters"), std::string::npos) << order.verdict;
    better += order.here > 1.1 * order.shuffled ? 1 : 0;
  }
  EXPECT_GT(better, 0) << "by chance";
  bool nothing = false;
  for (int i = 0; i < 20 && !nothing; ++i) {
    const Order order = order_of(folder, sequences(20, 6, any(100)));
    EXPECT_EQ(order.verdict.find("The order of items matters"), std::string::npos) << order.verdict;
    nothing = order.shuffled == 0 && order.here > 0;
  }
  EXPECT_TRUE(nothing) << "that a model of the last item finds once they are shuffled";

  const Order ordered = order_of(folder, sequences(100, 12, [&](std::size_t item) {
                                   return item == 0 ? 1 + random() % 50 : 1 + item % 50;
                                 }));
  EXPECT_EQ(
      ordered.verdict,
      fmt::format("The order of items matters: shuffled, the last-item model loses {:.0f}% of its NDCG@10.",
                  100 * (1 - ordered.shuffled / ordered.here)));
  // 2 after 1, among items of one user each, and twelve that are more popular than 2.
  std::string pairs;
  for (int user = 1, own = 15; user <= 180; ++user) {
    const auto put = [&](int item) { pairs += fmt::format("{} {}\n", user, item); };
    const bool popular = user > 80;
    for (int t = 0; !popular && t < 100; ++t) put(own++);
    for (int item = popular ? 3 : 1; item <= (popular ? 14 : 2); ++item) put(item);
    put(own++);
    if (popular || user % 2 == 0) put(own++);
  }
  const Order one = order_of(folder, pairs);
  EXPECT_EQ(one.shuffled, 0);
  EXPECT_EQ(one.verdict,
            "The order of items matters: shuffled, the last-item model loses all of its NDCG@10.");
}

TEST(DataCommand, WritesOverNoDataSetOfItsOwn) {
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
  const auto before = test::read_bytes(folder / "d.lrd");
  std::filesystem::create_symlink("d.lrd", folder / "link.lrd");
  for (const std::string itself : {"d.lrd", "./d.lrd", "link.lrd"}) {
    const auto refused = run_lrurec(folder, "data write d.lrd --format inter --force -o " + itself);
    EXPECT_EQ(refused.code, 2) << itself;
    EXPECT_NE(refused.err.find("is the data set itself"), std::string::npos) << refused.err;
    EXPECT_EQ(test::read_bytes(folder / "d.lrd"), before) << itself;
  }
  EXPECT_EQ(run_lrurec(folder, "data write d.lrd --format inter -o raw").code, 0);
}

// Regression: the message named formats that only prepare takes, even the one that was asked for.
TEST(DataCommand, AFormatToWriteIsOneOfThoseThatCanBeWritten) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_lrurec(folder, "prepare --demo -o d.lrd").code, 0);
  const auto refused = run_lrurec(folder, "data write d.lrd -o raw --format auto");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("--format must be sasrec, inter, "), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find(", not 'auto'\n"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "raw"));
}

// Regression: a file called "-" was made.
TEST(DataCommand, WritesToStandardOutput) {
  const TemporaryFolder folder;
  write_text(folder / "raw", "1 2\n1 3\n");
  ASSERT_EQ(run_lrurec(folder, "prepare raw -o x.lrd").code, 0);
  const auto result = run_lrurec(folder, "data write x.lrd -o -");
  EXPECT_EQ(result.out, "1 2\n1 3\n");
  EXPECT_EQ(result.err, "2 interactions written to standard output as sasrec\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "-"));
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const auto full = test::run_shell(folder, test::command_path() + " data write x.lrd -o - > /dev/full");
  EXPECT_EQ(full.code, 5);
  EXPECT_EQ(full.err.find("interactions written"), std::string::npos) << full.err;
  EXPECT_NE(full.err.find("cannot write the results to standard output"), std::string::npos) << full.err;
}

// Regression: a data set made from the written file had leave-last-out instead of the split by time, and
// made-up times were taken for real ones. Nothing was said.
TEST(DataCommand, SaysWhatTheTextHasNotOfTheDataSet) {
  const TemporaryFolder folder;
  std::string text = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (int t = 0; t < 20; ++t) text += fmt::format("{}\t{}\t{}\n", 1 + t % 2, 1 + t, 100 * t);
  write_text(folder / "raw.inter", text);
  const std::string prepare = "prepare raw.inter --filter none --force -o x.lrd";
  ASSERT_EQ(run_lrurec(folder, prepare).code, 0);
  const auto err = [&](const std::string& format) {
    return run_lrurec(folder, "data write x.lrd -q -o - --format " + format).err;
  };
  EXPECT_EQ(err("sasrec"), "");
  EXPECT_EQ(err("steam"),
            "lrurec: warning: its times, a day apart, are made up; a data set keeps the order of its "
            "interactions, not when they were\n");
  ASSERT_EQ(run_lrurec(folder, prepare + " --split time:0.5,0.8").code, 0);
  EXPECT_EQ(
      err("sasrec"),
      "lrurec: warning: the written file holds neither the split time:0.5,0.8 nor the times that it was made "
      "from: it has no times\n");
}

// Regression: an empty path was taken for no file or for the flag's default, silently, and no states were
// kept.
TEST(DataCommand, AnEmptyPathIsNoPath) {
  const TemporaryFolder folder;
  test::make_run(folder);
  for (const std::string command : {"prepare d.lrd -o ''",
                                    "prepare --demo -o ''",
                                    "prepare '' -o x.lrd",
                                    "prepare d.lrd -o x --titles ''",
                                    "data stats ''",
                                    "data write d.lrd --force -o ''",
                                    "train '' -o new",
                                    "train d.lrd -o ''",
                                    "train d.lrd -o new --config ''",
                                    "sweep '' -o new",
                                    "sweep s.toml -o ''",
                                    "reproduce table2 -o ''",
                                    "evaluate ''",
                                    "evaluate run --per-user ''",
                                    "evaluate run --data ''",
                                    "compare run ''",
                                    "report run -o ''",
                                    "explore run -o ''",
                                    "recommend run --batch ''",
                                    "session run --state '' </dev/null",
                                    "inspect eigen ''",
                                    "config show --run ''",
                                    "export run --force -o ''",
                                    "import '' --data d.lrd -o new",
                                    "import w.st --data '' -o new",
                                    "import w.st --data d.lrd -o ''"}) {
    const auto refused = run_lrurec(folder, command);
    EXPECT_EQ(refused.code, 2) << command;
    EXPECT_NE(refused.err.find(": needs a path, and the text is empty"), std::string::npos)
        << command << ": " << refused.err;
    EXPECT_EQ(refused.out, "") << command;
  }
}

}  // namespace
}  // namespace lrurec
