// `lrurec prepare` as a user meets it: the numbers it prints, what it refuses, and that nothing is lost.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::read_text;
using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;
using test::write_text;

/// One line "lrurec: error: ..." with the message as the last of stderr, nothing on stdout, no data set.
void expect_refused(const TemporaryFolder& folder, const std::string& arguments, int code,
                    const std::string& message) {
  const auto result = run_lrurec(folder, "prepare " + arguments);
  EXPECT_EQ(result.code, code) << arguments << "\n" << result.err;
  const auto at = result.err.find("lrurec: error: ");
  ASSERT_NE(at, std::string::npos) << arguments << "\n" << result.err;
  EXPECT_EQ(result.err.find('\n', at), result.err.size() - 1) << "one line: " << result.err;
  EXPECT_NE(result.err.find(message, at), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "") << "nothing on stdout";
  EXPECT_FALSE(std::filesystem::exists(folder / "x.lrd")) << arguments;
}

std::string lines(const std::vector<std::string>& rows) {
  std::string text;
  for (const auto& row : rows) text += row + "\n";
  return text;
}

TEST(PrepareCommand, CountsByHand) {
  const TemporaryFolder folder;
  // User 1: 8 items, so 6 to train on: with L = 3 two windows of 3 labels. User 2: an immediate repeat; 3
  // items stay, 1 to train on. User 3: 2 items, training only. Item 9 is a test target that nobody trains on.
  write_text(folder / "a.txt", lines({"1 1", "1 2", "1 3", "1 4", "1 5", "1 6", "1 7", "1 8", "2 1", "2 1",
                                      "2 2", "2 9", "3 7", "3 8"}));
  const auto result = run_lrurec(folder, "prepare a.txt -o x.lrd --max-length 3 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["users"], 3);
  EXPECT_EQ(json["items"], 9);
  EXPECT_EQ(json["interactions"], 13);
  EXPECT_EQ(json["evaluated_users"], 2);
  EXPECT_EQ(json["training_windows"], 4);
  EXPECT_EQ(json["steps_per_epoch"], 1);
  EXPECT_EQ(json["labels"], 3 + 3 + 1 + 2);
  EXPECT_EQ(json["test_targets_unseen_in_training"], 1);
  EXPECT_EQ(json["protocol"]["filter"], "none");
  EXPECT_EQ(json["steps"][0]["interactions"], 14);
  EXPECT_EQ(json["steps"][1]["dropped"], 1);
  EXPECT_NE(result.err.find("format: sasrec"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("row 3: user '1', item '3'"), std::string::npos) << result.err;

  const auto table = run_lrurec(folder, "prepare a.txt -o y.lrd --max-length 3");
  EXPECT_NE(table.out.find("\n\nfor a model that reads at most 3 items (--max-length)\ntraining windows"),
            std::string::npos)
      << table.out;
  EXPECT_NE(table.out.find("\norder: file order; filter: none; split: leave-last-out\n"), std::string::npos)
      << table.out;
  EXPECT_NE(table.out.find("dropped"), std::string::npos);
  EXPECT_NE(table.out.find(json["fingerprint"].get<std::string>()), std::string::npos) << table.out;
}

TEST(PrepareCommand, FilterAndTiesOfTimestampedRows) {
  const TemporaryFolder folder;
  std::string text = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (const char* user : {"u", "v"}) {
    for (const char* item : {"30", "4", "200"}) text += std::string(user) + "\t" + item + "\t-5\n";
  }
  write_text(folder / "a.inter", text + "w\t77\t1\n");
  const auto prepare = [&](const std::string& flags) {
    const auto result = run_lrurec(folder, "prepare a.inter -o x.lrd --force --json " + flags);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  EXPECT_EQ(prepare("--filter none")["users"], 3);
  const auto once = prepare("--filter once:2");
  EXPECT_EQ(once["users"], 2);
  EXPECT_EQ(once["steps"][2]["dropped"], 1);
  EXPECT_EQ(prepare("--filter kcore:2")["protocol"]["filter"], "kcore:2");
  EXPECT_EQ(once["protocol"]["ties"], "file");
  const auto by_item = prepare("--filter none --ties item-id");
  EXPECT_EQ(by_item["protocol"]["order"], "by time, ties by item-id");
  EXPECT_NE(by_item["fingerprint"], prepare("--filter none")["fingerprint"]) << "the order matters";
  const auto refused = run_lrurec(folder, "prepare a.inter -o y.lrd");
  EXPECT_EQ(refused.code, 3) << "once:5 is the default of .inter, and leaves nothing";
  EXPECT_NE(refused.err.find("the filter once:5 leaves nothing; try --filter none"), std::string::npos);
}

TEST(PrepareCommand, LineEndsAndByteOrderMarkMakeNoDifference) {
  const TemporaryFolder folder;
  const auto fingerprint = [&](const std::string& text) {
    write_text(folder / "a.txt", text);
    const auto result = run_lrurec(folder, "prepare a.txt -o x.lrd --force --json");
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out)["fingerprint"].get<std::string>();
  };
  const std::string clean = fingerprint("1 5\n1 6\n2 5\n");
  EXPECT_EQ(fingerprint("\xEF\xBB\xBF"
                        "1 5\r\n\r\n1 6\r\n2 5"),
            clean);
  EXPECT_NE(fingerprint("1 5\n1 6\n2 6\n"), clean);
}

TEST(PrepareCommand, MalformedDataIsExitThree) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"1\n", "bad.txt:1:2: "},
      {"1 2\n1 x\n", "bad.txt:2:3: "},
      {"1 2\n-1 2\n", "bad.txt:2:1: "},
      {"1 18446744073709551616\n", "bad.txt:1:3: "},
      {std::string("1 2\n1 \0\n", 8), "bad.txt:2:3: a NUL byte"},
      {"1 2\n1 \xFF\n", "bad.txt:2:3: text that is not UTF-8"},
      {"\n\n", "bad.txt: there is no interaction"},
  };
  for (const auto& [text, message] : cases) {
    write_text(folder / "bad.txt", text);
    expect_refused(folder, "bad.txt -o x.lrd --format sasrec", 3, message);
  }
  write_text(folder / "c.csv", "a,b,c\n");
  expect_refused(folder, "c.csv -o x.lrd", 3, "name it with --format, or its columns with --columns");
  ASSERT_EQ(run_shell(folder, "seq 1 9999 | sed 's/^/1 /' | gzip > ok.gz; head -c 9000 ok.gz > cut.gz").code,
            0);
  expect_refused(folder, "cut.gz -o x.lrd --format sasrec", 3, "cut.gz: ");
}

TEST(PrepareCommand, FilesThatCannotBeReadOrWrittenAreExitFive) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n");
  expect_refused(folder, "none.txt -o x.lrd", 5, "there is no such file");
  expect_refused(folder, ". -o x.lrd", 5, "it is a folder");
  expect_refused(folder, "a.txt -o none/x.lrd", 5, "none/x.lrd");
  // Refused before the file is read, which takes minutes for long files.
  write_text(folder / "bad.txt", "1 x\n");
  std::filesystem::create_directory(folder / "taken");
  expect_refused(folder, "bad.txt --format sasrec -o none/x.lrd", 5,
                 "none/x.lrd: No such file or directory; make its folder first");
  for (const char* force : {"", " --force"}) {
    expect_refused(folder, std::string("bad.txt --format sasrec -o taken") + force, 5,
                   "cannot write taken: it is not a plain file");
  }
  expect_refused(folder, "a.txt -o " + std::string(300, 'n'), 5, "File name too long");
  EXPECT_EQ(folder.entries(), (std::vector<std::string>{"a.txt", "bad.txt", "taken"}))
      << "no temporary is left";
}

TEST(PrepareCommand, ResultsThatCannotBePrintedAreNoSuccess) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n");
  for (const char* arguments : {"prepare a.txt -o x.lrd --force", "prepare a.txt -o x.lrd --force --json", "",
                                "--help", "--version"}) {
    const auto result = run_shell(folder, test::command_path() + " " + arguments + " > /dev/full");
    EXPECT_EQ(result.code, 5) << arguments;
    EXPECT_NE(result.err.find("cannot write the results to standard output"), std::string::npos)
        << result.err;
  }
}

TEST(PrepareCommand, NothingIsOverwritten) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n");
  write_text(folder / "mine.lrd", "precious");
  const auto refused = run_lrurec(folder, "prepare a.txt -o mine.lrd");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("replace it with --force"), std::string::npos) << refused.err;
  EXPECT_EQ(read_text(folder / "mine.lrd"), "precious");
  // A failure under --force leaves the old file, too.
  write_text(folder / "bad.txt", "1 x\n");
  EXPECT_EQ(run_lrurec(folder, "prepare bad.txt -o mine.lrd --force --format sasrec").code, 3);
  EXPECT_EQ(read_text(folder / "mine.lrd"), "precious");
  EXPECT_EQ(run_lrurec(folder, "prepare a.txt -o mine.lrd --force").code, 0);

  ASSERT_EQ(run_shell(folder, "ln -s a.txt link.txt").code, 0);
  for (const char* itself : {"a.txt", "./a.txt", "link.txt"}) {
    const auto result = run_lrurec(folder, std::string("prepare a.txt --force -o ") + itself);
    EXPECT_EQ(result.code, 2) << itself;
    EXPECT_NE(result.err.find("is the raw file itself"), std::string::npos) << result.err;
    EXPECT_EQ(read_text(folder / "a.txt"), "1 2\n") << itself;
  }
}

TEST(PrepareCommand, TitlesComeThroughAPipeToo) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n1 3\n");
  write_text(folder / "titles.csv", "id,title\n2,Two\n3,Three\n");
  const auto result = run_shell(folder, "mkfifo pipe; cat titles.csv > pipe & timeout 20 " +
                                            test::command_path() + " prepare a.txt -o x.lrd --titles pipe");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("items with a title: 2 of 2"), std::string::npos) << result.out;
}

// Regression: the first rows were shown only if the format was guessed.
TEST(PrepareCommand, ShowsTheFirstRowsOfAFormatThatIsNamed) {
  const TemporaryFolder folder;
  write_text(folder / "a.csv", "u,i\nanna,x\n");
  const auto result = run_lrurec(folder, "prepare a.csv -o x.lrd --columns user=u,item=i --filter none");
  EXPECT_NE(result.err.find("row 1: user 'anna', item 'x'"), std::string::npos) << result.err;
}

TEST(PrepareCommand, ADashIsStandardInput) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n1 3\n");
  const std::string prepare = test::command_path() + " prepare - --format sasrec -o x.lrd";
  EXPECT_EQ(run_shell(folder, "cat a.txt | " + prepare).code, 0);
  EXPECT_EQ(run_shell(folder, prepare + " --force < a.txt").code, 0);
  const auto unnamed = run_shell(folder, "cat a.txt | " + test::command_path() + " prepare - -o y.lrd");
  EXPECT_NE(unnamed.err.find("standard input can be read only once; name its format"), std::string::npos)
      << unnamed.err;
  const auto refused = run_lrurec(folder, "prepare a.txt -o -");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("cannot be written to standard output"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "-"));
}

// Regression: text ids were taken for numbers, and were merged.
TEST(PrepareCommand, IdsWithLeadingZerosStayApart) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "007 1\n7 1\n");
  expect_refused(folder, "a.txt -o x.lrd", 3, "cannot tell the format of this line");
  const auto result = run_lrurec(
      folder, "prepare a.txt -o x.lrd --columns user=0,item=1 --delimiter space --filter none --json");
  EXPECT_EQ(nlohmann::json::parse(result.out)["users"], 2) << result.err;
}

TEST(PrepareCommand, SaysWhichColumnsTitlesComeFrom) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n1 3\n");
  write_text(folder / "titles.csv", "id,movieId,title\n2,3,Three\n");
  const auto result = run_lrurec(folder, "prepare a.txt -o x.lrd --titles titles.csv");
  EXPECT_NE(result.err.find("titles: the column 'title', by the column 'movieId'"), std::string::npos)
      << result.err;
}

TEST(PrepareCommand, UsageErrorsNameTheWordAndTheRemedy) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n");
  expect_refused(folder, "a.txt", 2, "--output is required");
  expect_refused(folder, "a.txt --ouput x.lrd", 2, "unknown flag --ouput; did you mean '--output'?");
  expect_refused(folder, "a.txt -o x.lrd --max-lenght=3", 2,
                 "unknown flag --max-lenght; did you mean '--max-length'?");
  expect_refused(folder, "a.txt -o x.lrd -z", 2, "unknown flag -z");
  expect_refused(folder, "a.txt 'b c.txt' -o x.lrd", 2, "unknown argument 'b c.txt'");
  expect_refused(folder, "a.txt -o x.lrd --max-length 0", 2, "--max-length");
  expect_refused(folder, "a.txt -o x.lrd --ties random", 2, "--ties must be file, hash or item-id");
  expect_refused(folder, "a.txt -o x.lrd --filter twice:5", 2, "--filter must be none, once:N or kcore:N");
  expect_refused(folder, "a.txt -o x.lrd --columns user=0,item=0", 2, "are the same column, '0'");
  expect_refused(folder, "a.txt -o x.lrd --columns user=0,item=1 --delimiter space --min-rating 3", 2,
                 "--columns does not say which they are: add rating=..");
  expect_refused(folder, "a.txt -o x.lrd --demo", 2, "name a raw file or give --demo");
  expect_refused(folder, "a.txt -o x.lrd --demo-users 5", 2, "--demo-users requires --demo");
  expect_refused(folder, "--demo -o x.lrd --filter none", 2, "--filter excludes --demo");
  expect_refused(folder, "--demo -o x.lrd --demo-seed -1", 2, "--demo-seed: must not be negative");
  expect_refused(folder, "--demo -o x.lrd --demo-length nan", 2, "--demo-length must be at least 5, not nan");
  expect_refused(folder, "a.txt -o x.lrd --skip-bad -1", 2, "--skip-bad");
  const auto command = run_lrurec(folder, "prepair a.txt -o x.lrd");
  EXPECT_EQ(command.code, 2);
  EXPECT_NE(command.err.find("unknown command 'prepair'; did you mean 'prepare'?"), std::string::npos)
      << command.err;
}

TEST(PrepareCommand, ReadsTheUsualNamesOfAHeader) {
  const TemporaryFolder folder;
  write_text(folder / "a.csv", "user_id,item_id,timestamp\nanna,x,2\nanna,y,1\n");
  const auto told = run_lrurec(folder, "prepare a.csv -o x.lrd --filter none --json");
  ASSERT_EQ(told.code, 0) << told.err;
  EXPECT_NE(told.err.find("format: --columns user=user_id,item=item_id,time=timestamp (the header has their "
                          "usual names); give --columns yourself if that is wrong\n"),
            std::string::npos)
      << told.err;
  const auto named = run_lrurec(folder,
                                "prepare a.csv -o y.lrd --filter none --json --columns "
                                "user=user_id,item=item_id,time=timestamp");
  EXPECT_EQ(nlohmann::json::parse(told.out)["fingerprint"], nlohmann::json::parse(named.out)["fingerprint"]);
  EXPECT_EQ(named.err.find("warning"), std::string::npos) << named.err;

  const auto timeless =
      run_lrurec(folder, "prepare a.csv -o z.lrd -q --filter none --columns user=user_id,item=item_id");
  EXPECT_EQ(
      timeless.err,
      "lrurec: warning: no time=COLUMN is given, so each user's rows are taken in the order of the file, "
      "oldest first; 'timestamp' looks like a time\n");
}

// RetailRocket's columns: events of several kinds in one table, of which a shop wants to predict one.
TEST(PrepareCommand, ReadsOnlyTheRowsThatMeetAllConditions) {
  const TemporaryFolder folder;
  write_text(folder / "a.csv", lines({"timestamp,visitorid,event,itemid,shop", "3,u1,view,a,1",
                                      "2,u1,transaction,b,1", "1,u1, transaction ,c,1", "4,u1,addtocart,d,1",
                                      "5,u2,transaction,a,2", "no time,u1,view,,1", "6,u1,transaction,e,2"}));
  const auto taken = run_lrurec(
      folder,
      "prepare a.csv -o x.lrd --filter none --where event=transaction,addtocart --where shop=1 --json");
  ASSERT_EQ(taken.code, 0) << taken.err;
  const auto json = nlohmann::json::parse(taken.out);
  EXPECT_EQ(json["interactions"], 3);
  EXPECT_EQ(json["protocol"]["filter"], "only event=transaction,addtocart and shop=1, none");
  EXPECT_EQ(json["protocol"]["facts"]["other_rows"], 4);
  EXPECT_EQ(json["steps"][0]["what"], "read, event=transaction,addtocart and shop=1");

  // By number, with a header that is said to be one.
  const auto numbered = run_lrurec(
      folder,
      "prepare a.csv -o y.lrd --filter none --columns time=0,user=1,item=3 --header --where 2=transaction");
  ASSERT_EQ(numbered.code, 0) << numbered.err;
  EXPECT_NE(numbered.out.find("3 other rows of the file were left out (--where)"), std::string::npos)
      << numbered.out;

  std::filesystem::remove(folder / "x.lrd");
  expect_refused(folder, "a.csv -o x.lrd --where event=purchase", 3,
                 "none of 7 rows has event=purchase (--where); 'event' is addtocart, transaction, view");
  expect_refused(folder, "a.csv -o x.lrd --where events=view", 3,
                 "there is no column 'events' in the header");
  expect_refused(folder, "a.csv -o x.lrd --where event", 2,
                 "'event' is no condition; it must be COLUMN=VALUE");
  expect_refused(folder, "a.csv -o x.lrd --format movielens-csv --where event=view", 2,
                 "--where needs a file that is read by --columns, not as movielens-csv");
}

TEST(PrepareCommand, ReadsDatesOfAnyForm) {
  const TemporaryFolder folder;
  const std::string dates = " -o x.lrd --filter none --columns user=0,item=1,time=2 --time-format ";
  write_text(folder / "a.csv", lines({"u,c,03.02.2021 10:00", "u,a,31.12.2020 23:59", "u,b,1.1.2021 0:00"}));
  const auto german = run_lrurec(folder, "prepare a.csv" + dates + "'%d.%m.%Y %H:%M' --json");
  ASSERT_EQ(german.code, 0) << german.err;
  EXPECT_NE(german.err.find("row 1: user 'u', item 'c', time 1612346400"), std::string::npos) << german.err;
  std::filesystem::remove(folder / "x.lrd");

  write_text(folder / "b.csv", lines({"u,c,02/03/2021 10:00 AM +0200", "u,a,12/31/2020 11:59 PM +0000"}));
  const auto american = run_lrurec(folder, "prepare b.csv" + dates + "'%m/%d/%Y %I:%M %p %z'");
  ASSERT_EQ(american.code, 0) << american.err;
  EXPECT_NE(american.err.find("item 'c', time 1612339200"), std::string::npos) << american.err;
  std::filesystem::remove(folder / "x.lrd");

  const auto refused = [&](const std::string& date, const std::string& form, int code,
                           const std::string& message) {
    write_text(folder / "c.csv", "u,a," + date + "\n");
    expect_refused(folder, "c.csv" + dates + "'" + form + "'", code, message);
  };
  refused("31.4.2021", "%d.%m.%Y", 3,
          "c.csv:1:5: the time '31.4.2021' is not written as --time-format '%d.%m.%Y' says");
  refused("30.4.2021 later", "%d.%m.%Y", 3, "is not written as --time-format");
  refused("30.4.2021", "%d.%m.", 2, "'%d.%m.' has no year (%Y or %y)");
  refused("1612346400", "%s", 2, "%s is a number, which is read without it");
  write_text(folder / "c.csv", "u,a,30.4.2021\n");
  expect_refused(folder, "c.csv -o x.lrd --columns user=0,item=1,time=2", 3,
                 "(of --columns, --time-format says how other dates are written)");
  expect_refused(folder, "c.csv -o x.lrd --columns user=0,item=1 --time-format %Y", 2,
                 "add time=.. to --columns");
  expect_refused(folder, "c.csv -o x.lrd --format inter --time-format %Y", 2,
                 "--time-format needs a file that is read by --columns, not as inter");
}

TEST(PrepareCommand, SkipsLinesThatCannotBeReadOnlyIfAsked) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n1 x\n1 3\n");
  expect_refused(folder, "a.txt -o x.lrd", 3, "a.txt:2:3: ");
  const auto skipped = run_lrurec(folder, "prepare a.txt -o x.lrd --skip-bad 1 --json");
  ASSERT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_NE(
      skipped.err.find("warning: 1 line cannot be read and is left out: a.txt:2:3: the item id must be"),
      std::string::npos)
      << skipped.err;
  const auto json = nlohmann::json::parse(skipped.out);
  EXPECT_EQ(json["interactions"], 2);
  EXPECT_EQ(json["protocol"]["facts"]["skipped_lines"], 1);
}

TEST(PrepareCommand, ADataSetIsNoRawFile) {
  const TemporaryFolder folder;
  write_text(folder / "a.txt", "1 2\n1 3\n");
  ASSERT_EQ(run_lrurec(folder, "prepare a.txt -o a.lrd").code, 0);
  for (const char* format : {"", " --format inter", " --columns user=0,item=1"}) {
    expect_refused(folder, std::string("a.lrd -o x.lrd") + format, 2,
                   "a.lrd is a data set already; go on with lrurec train a.lrd");
  }
}

// With --ties file the rows of one time would stay in the reversed order of such a file.
TEST(PrepareCommand, WarnsOfTiesInAFileThatIsNewestFirst) {
  const TemporaryFolder folder;
  const std::string header = "user_id:token\titem_id:token\ttimestamp:float\n";
  write_text(folder / "falling.inter", header + "u\ta\t3\nu\tb\t2\nu\tc\t2\nu\td\t1\n");
  write_text(folder / "untied.inter", header + "u\ta\t3\nu\tb\t2\nu\td\t1\n");
  write_text(folder / "rising.inter", header + "u\td\t1\nu\tc\t2\nu\tb\t2\nu\ta\t3\n");
  const auto err = [&](const std::string& arguments) {
    return run_lrurec(folder, "prepare -q -o x.lrd --force --filter none " + arguments).err;
  };
  EXPECT_EQ(err("falling.inter"),
            "lrurec: warning: the rows of falling.inter are mostly newest first, and with --ties file equal "
            "times keep that reversed order; give --ties hash, or turn the rows round first (with tac)\n");
  EXPECT_EQ(err("falling.inter --ties hash"), "");
  EXPECT_EQ(err("untied.inter"), "");
  EXPECT_EQ(err("rising.inter"), "");
}

TEST(PrepareCommand, WarnsIfTheSplitByTimeLeavesFewTargets) {
  const TemporaryFolder folder;
  std::string rows = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (int t = 0; t < 20; ++t) rows += fmt::format("u{}\ti{}\t{}\n", t % 2, t, t);
  write_text(folder / "a.inter", rows);
  const std::string prepare = "prepare a.inter -q -o x.lrd --force --filter none";
  EXPECT_EQ(
      run_lrurec(folder, prepare + " --split time").err,
      "lrurec: warning: only 2 of 2 users have a test target after the split time:0.8,0.9, so test metrics "
      "say little; choose other shares (--split time:A,B) or --split leave-last\n");
  EXPECT_EQ(run_lrurec(folder, prepare).err, "");
}

TEST(PrepareCommand, RawIdsReachTheTerminalEscaped) {
  const TemporaryFolder folder;
  write_text(folder / "a.inter", "user_id:token\titem_id:token\n\x1b[31mu\tx\n");
  const auto result = run_lrurec(folder, "prepare a.inter -o x.lrd --filter none");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err.find('\x1b'), std::string::npos);
  EXPECT_NE(result.err.find("user '\\x1b[31mu'"), std::string::npos) << result.err;
}

TEST(PrepareCommand, DemonstrationDataKnowTheirBestPossibleScore) {
  const TemporaryFolder folder;
  const std::string flags = "prepare --demo --demo-users 60 --demo-items 40 --demo-length 8 --json -o ";
  const auto json = nlohmann::json::parse(run_lrurec(folder, flags + "x.lrd").out);
  EXPECT_EQ(json["users"], 60);
  EXPECT_EQ(json["items"], 40);
  for (const char* split : {"val", "test"}) {
    const double best = json["protocol"]["facts"][std::string("best_possible_recall10_") + split];
    EXPECT_GT(best, 10.0 / 40) << "better than any ten of forty items";
    EXPECT_LT(best, 1);
  }
  const auto again = nlohmann::json::parse(run_lrurec(folder, flags + "y.lrd").out);
  EXPECT_EQ(again["fingerprint"], json["fingerprint"]);
  const auto other = nlohmann::json::parse(run_lrurec(folder, flags + "z.lrd --demo-seed 2").out);
  EXPECT_NE(other["fingerprint"], json["fingerprint"]);
}

}  // namespace
}  // namespace lrurec
