// Every raw format: the same three interactions, and what is wrong with a line.

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>

#include "lrurec/data/fields.h"
#include "lrurec/data/prepare.h"
#include "lrurec/data/readers.h"
#include "lrurec/data/titles.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

using test::expect_error;
using test::TemporaryFolder;
using test::write_text;

struct Sample {
  const char* format;
  std::string text;
  bool rated = true;
};

const std::string a = "A1234567890123", b = "A1234567890124", x = "B000000001", y = "0000000002";

/// a takes x (4.5) and y (2), b takes x (5).
std::vector<Sample> samples() {
  return {
      {"movielens-dat", "1::10::4.5::100\n1::20::2::200\n2::10::5::300\n"},
      {"movielens-csv", "userId,movieId,rating,timestamp\n1,10,4.5,100\n1,20,2,200\n2,10,5,300\n"},
      {"movielens-tab", "1\t10\t4.5\t100\n1\t20\t2\t200\n2\t10\t5\t300\n"},
      {"amazon-csv", a + "," + x + ",4.5,100\n" + a + "," + y + ",2,200\n" + b + "," + x + ",5,300\n"},
      {"amazon-csv", x + "," + a + ",4.5,100\n" + y + "," + a + ",2,200\n" + x + "," + b + ",5,300\n"},
      {"amazon-csv", "user_id,parent_asin,rating,timestamp\n" + a + "," + x + ",4.5,100\n" + a + "," + y +
                         ",2,200\n" + b + "," + x + ",5,300\n"},
      {"amazon-json", "{\"reviewerID\": \"" + a + "\", \"asin\": \"" + x +
                          "\", \"style\": {\"asin\": \"no\"}, \"overall\": 4.5, \"unixReviewTime\": 100}\n"
                          "{\"asin\": \"" +
                          y + "\", \"reviewText\": \"a \\\"b\\\" {\", \"reviewerID\": \"" + a +
                          "\", \"overall\": 2.0, \"unixReviewTime\": 200}\n{\"user_id\": \"" + b +
                          "\", \"parent_asin\": \"" + x + "\", \"rating\": 5, \"timestamp\": 300}\n"},
      {"steam",
       "{u'username': u'anna', u'hours': 0.1, u'product_id': u'10', u'date': u'2017-12-17', u'text': "
       "u'it\\'s, "
       "{so} \\u00e9', u'early_access': False, u'tags': [u'a', {u'b': 1}]}\n"
       "{'username': \"anna\", 'product_id': '20', 'date': '2017-12-18', 'user_id': None}\n"
       "{\"username\": \"bert\", \"product_id\": \"10\", \"date\": \"2017-12-19\"}\n",
       false}};
}

TEST(Formats, EveryOneIsSniffedAndRead) {
  const TemporaryFolder folder;
  for (const auto& sample : samples()) {
    const auto path = write_text(folder / "raw", sample.text);
    EXPECT_EQ(name(sniff_format(path).format), sample.format);
    ReadOptions options{parse_format(sample.format)};
    options.with_rating = sample.rated;
    const Interactions rows = read_interactions(path, options);
    ASSERT_EQ(rows.size(), 3U) << sample.text;
    EXPECT_EQ(rows.user, (std::vector<std::uint32_t>{0, 0, 1})) << sample.text;
    EXPECT_EQ(rows.item, (std::vector<std::uint32_t>{0, 1, 0}));
    EXPECT_EQ(rows.time[1] - rows.time[0], sample.rated ? 100 : 86400);
    EXPECT_EQ(rows.rating, sample.rated ? (std::vector<float>{4.5F, 2, 5}) : std::vector<float>{});
    EXPECT_EQ(rows.users[1], std::string(sample.format).starts_with("movielens") ? "2"
                             : std::string(sample.format) == "steam"             ? "bert"
                                                                                 : b);
  }
}

TEST(Formats, AnyDelimitedTextByItsColumns) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text, const std::string& columns,
                        const std::string& delimiter = "", bool header = false) {
    ReadOptions options{Format::columns};
    options.columns = Columns::parse(columns);
    options.columns.delimiter = delimiter;
    options.columns.header = header;
    options.with_rating = !options.columns.rating.empty();
    return read_interactions(write_text(folder / "raw", text), options);
  };
  const auto named =
      read("when;who;\"what; it is\"\n2020-01-02;ann;\"a;\"\"b\"\"\"\n2020-01-01T00:00:30Z;bob;c\n",
           "user=who,item=what; it is,time=when");
  EXPECT_EQ(named.items[0], "a;\"b\"");
  EXPECT_EQ(named.time[0] - named.time[1], 86400 - 30);
  const auto numbered = read("u x 3\nv  y 4\n", "user=0,item=1,rating=2", "space");
  EXPECT_EQ(numbered.rating, (std::vector<float>{3, 4}));
  EXPECT_TRUE(numbered.time.empty());
  const auto quoted = read("\"ann b\" \"a \"\"x\"\"\" 3\nv\t\"y\"\t4\n", "user=0,item=1,rating=2", "space");
  EXPECT_EQ(quoted.users[0], "ann b");
  EXPECT_EQ(quoted.items[0], "a \"x\"");
  EXPECT_EQ(quoted.items[1], "y");
  EXPECT_EQ(read("user|item\n1|2\n", "user=0,item=1", "", /*header=*/true).size(), 1U);
  EXPECT_EQ(read("1\t2\n", "user=0,item=1", "tab").size(), 1U);

  const auto fails = [&](const std::string& text, const std::string& columns, const char* message) {
    expect_error(ErrorKind::data, message, [&] { read(text, columns); });
  };
  fails("1,2;3\n", "user=0,item=1", "several characters could separate the columns; choose with --delimiter");
  fails("1 2\n", "user=0,item=1", "say it with --delimiter");
  EXPECT_EQ(read("u, i\na,b\n", "user=u, item = i").size(), 1U) << "blanks after commas";
  expect_error(ErrorKind::data,
               ":1:1: with --delimiter ';' this line is one column; it has commas: --delimiter ,: 'u,i'",
               [&] { read("u,i\na,b\n", "user=u,item=i", ";"); });
  expect_error(ErrorKind::data, "with --delimiter , this line is one column; it has tabs: --delimiter tab",
               [&] { read("1\t2\n", "user=0,item=1", ","); });
  fails("uid,iid\n1,2\n", "user=uid,item=id", "there is no column 'id' in the header; did you mean 'uid'?");
  fails("1,2\n", "user=0,item=2", "there is no column 2: the line has 2 (counted from 0)");
  fails("1,\"2\n", "user=0,item=1", ":1:3: the quoted field does not end on its line; take");
  fails("1,2,\"x\"y\n", "user=0,item=1", ":1:8: text behind a quoted field; write a quote in it twice");
  for (const char* same : {"user=0,item=u", "user=u,item=0", "user=0,item=00"}) {
    expect_error(ErrorKind::usage, "user and item are the same column",
                 [&] { read("u,i,t\na,x,1\n", same); });
  }
  const std::vector<std::pair<const char*, const char*>> bad{
      {"user=0", "'item' is missing"},
      {"item=0", "'user' is missing"},
      {"0,1", "'0' is none of user, item, time, rating"},
      {"user=0,item=1,item=2", "'item' is given twice"},
      {"user=,item=1", "'user=' names no column"},
      {"user=0,item", "'item' names no column"},
      {"user=0,item=1,when=3", "'when' is none of user, item, time, rating"}};
  for (const auto& [columns, message] : bad) {
    expect_error(ErrorKind::usage, std::string("--columns: ") + message + "; it must be user=..,item=.. and",
                 [&] { Columns::parse(columns); });
  }
}

// Regression: one of the two was taken, with --columns the first, in a .inter file the last.
TEST(Formats, TwoColumnsOfOneNameAreAMistake) {
  const TemporaryFolder folder;
  ReadOptions options{Format::columns};
  options.columns = Columns::parse("user=uid,item=sku");
  const auto path = write_text(folder / "raw", "uid,sku,when,sku\n1,2,3,4\n");
  expect_error(ErrorKind::data,
               ":1:14: the columns 1 and 3 (counted from 0) are both called 'sku'; choose by number",
               [&] { read_interactions(path, options); });
  options.columns = Columns::parse("user=0,item=3");
  options.columns.header = true;
  EXPECT_EQ(read_interactions(path, options).items[0], "4");
  expect_error(ErrorKind::data, ":1:29: the columns 1 and 2 (counted from 0) are both called 'item_id'", [&] {
    read_interactions(
        write_text(folder / "x.inter", "user_id:token\titem_id:token\titem_id:token\n1\t2\t3\n"),
        Format::inter);
  });
  EXPECT_EQ(read_interactions(write_text(folder / "y.inter",
                                         "user_id:token\titem_id:token\tx:float\tx:float\n"
                                         "1\t2\t3\t4\n"),
                              Format::inter)
                .size(),
            1U)
      << "of columns that are not read";
}

TEST(Formats, WhatCannotBeToldIsAsked) {
  const TemporaryFolder folder;
  const auto sniff = [&](const std::string& text) { return sniff_format(write_text(folder / "raw", text)); };
  for (const char* text : {"1,2,3,4\n", "a,b,c\n", "{\"user\": 1}\n", "a;b;3;4\n", "1\t2\t3\n", "hello\n",
                           "B000000001,B000000002,5,100\n", "\"a\"b,c\n", "a,\"b\n"}) {
    expect_error(ErrorKind::data, "cannot tell the format of this line", [&] { sniff(text); });
  }
  expect_error(ErrorKind::data, "cannot tell the user from the item", [&] {
    read_interactions(write_text(folder / "raw", "B000000001,B000000002,5,100\n"), Format::amazon_csv);
  });
  expect_error(ErrorKind::usage, "not 'movielens-dta'; did you mean 'movielens-dat'?",
               [] { parse_format("movielens-dta"); });
  expect_error(ErrorKind::usage, "--min-rating needs ratings", [&] {
    ReadOptions options{Format::sasrec};
    options.with_rating = true;
    read_interactions(write_text(folder / "raw", "1 2\n"), options);
  });
}

TEST(Formats, BrokenReviewsAreReportedWithTheirLine) {
  const TemporaryFolder folder;
  const auto fails = [&](Format format, const std::string& text, const char* message) {
    expect_error(ErrorKind::data, message,
                 [&] { read_interactions(write_text(folder / "raw", text), format); });
  };
  const std::string good = "{\"reviewerID\": \"u\", \"asin\": \"i\", \"unixReviewTime\": 1}\n";
  fails(Format::amazon_json, good + "{\"reviewerID\": \"u\", \"asin\"\n", "raw:2:");
  fails(Format::amazon_json, good + "[1]\n", "raw:2:1: this is not a JSON object");
  fails(Format::amazon_json, "{\"asin\": \"i\", \"unixReviewTime\": 1}\n", ":1:1: there is no reviewerID");
  fails(Format::amazon_json, "{\"reviewerID\": \"u\", \"asin\": \"i\", \"unixReviewTime\": \"x\"}\n",
        "the time 'x' is neither a number nor a date");
  fails(Format::amazon_json,
        good + "{\"reviewerID\": \"u\", \"asin\": \"i\", \"unixReviewTime\": 1, \"asin\": \"k\"}\n",
        "raw:2:1: the key 'asin' is there twice; leave one");
  fails(Format::steam, "{'username': 'u', 'username': 'v', 'product_id': '1', 'date': '2017-12-17'}\n",
        "raw:1:1: the key 'username' is there twice");
  fails(Format::steam, "{\"username\": \"u\", \"username\": \"u\"}\n", "the key 'username' is there twice");
  fails(Format::steam, "{'username': 'u', 'product_id': '1'}\n", "there is no date");
  fails(Format::steam, "{'username': 'u', 'product_id': '1', 'date': 'May 3'}\n",
        "the time 'May 3' is neither a number nor a date");
  fails(Format::steam, "{'username': 'u\n", "the text does not end on its line");
  fails(Format::steam, "{'username': 'u' 'a'}\n", "this is not a dictionary of one line");
  fails(Format::steam, "{'a': '\\u12'}\n", "a broken escape");
  fails(Format::steam, "['a']\n", "a dictionary {...} is needed");
  fails(Format::steam, "{} x\n", "text behind the dictionary");
  fails(Format::steam, "{'a': [1, 2\n", "this is not a dictionary of one line");
}

TEST(Formats, TimesAreNumbersOrDates) {
  EXPECT_EQ(parse_time("978300760"), 978300760);
  EXPECT_EQ(parse_time("1970-01-02"), 86400);
  EXPECT_EQ(parse_time("2000-03-01 00:00:01"), 951868801);
  EXPECT_EQ(parse_time("1970-01-01T00:00:00.5Z"), 0.5);
  EXPECT_EQ(parse_time(" 100 "), 100);
  EXPECT_EQ(*parse_time("1588687728923123457.0") - *parse_time("1588687728923123456.0"), 1);
  EXPECT_EQ(parse_time("1970-01-01T10:00"), 36000);
  EXPECT_EQ(parse_time("1970-01-01T10:00:00+00:00"), 36000);
  EXPECT_EQ(parse_time("1970-01-01T10:00:00+02:00"), 28800);
  EXPECT_EQ(parse_time("1970-01-01 10:00:00.5-0130"), 41400.5);
  for (const char* bad :
       {"", " ", "x", "2001-02-29", "2001-13-01", "2001-1-1", "1970-01-01x", "1970-01-01 25:00:00",
        "1970-01-01 10:", "1970-01-01 10:00:00+", "1970-01-01 10:00:00+25:00", "nan", "inf"}) {
    EXPECT_FALSE(parse_time(bad).has_value()) << bad;
  }
}

// Regression: milliseconds and dates, which are read as seconds, were sorted together.
TEST(Formats, DatesAndNumbersInOneColumnAreRefused) {
  const TemporaryFolder folder;
  const auto fails = [&](Format format, const std::string& text, const char* message) {
    expect_error(ErrorKind::data, message,
                 [&] { read_interactions(write_text(folder / "raw", text), format); });
  };
  const std::string header = "user_id:token\titem_id:token\ttimestamp:float\n";
  fails(Format::inter, header + "u\ti\t1513468800000\nu\tj\t2017-12-17\n",
        "raw:3:5: a date, where lines before have numbers; write all times in one way");
  fails(Format::inter, header + "u\ti\t2017-12-17\nu\tj\t-1.5e3\n",
        "raw:3:5: a number, where lines before have dates");
  fails(Format::steam,
        "{'username': 'u', 'product_id': '1', 'date': '2017-12-17'}\n"
        "{'username': 'u', 'product_id': '2', 'date': 1513468800000}\n",
        "raw:2:1: a number, where lines before have dates");
  const auto rows = read_interactions(
      write_text(folder / "raw", header + "u\ti\t-5\nu\tj\t1e-3\nu\tk\t2.5E-1\n"), Format::inter);
  EXPECT_EQ(rows.size(), 3U) << "signs are no dates";
}

TEST(Formats, LowRatingsAreDroppedBeforeRepeatsAndFilter) {
  const TemporaryFolder folder;
  ReadOptions options{Format::movielens_dat};
  options.with_rating = true;
  const auto rows = read_interactions(
      write_text(folder / "raw", "1::10::5::1\n1::20::1::2\n1::10::4::3\n1::30::4::4\n2::10::3::5\n"),
      options);
  const Dataset data = prepare(rows, {}, Ties::file, 4);
  EXPECT_EQ(data.interactions(), 2) << "10, and again 10 once 20 is gone, 30";
  const auto& steps = data.protocol().steps;
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[1].what, "rating below 4 dropped");
  EXPECT_EQ(steps[1].interactions, 3);
  EXPECT_EQ(data.protocol().filter, "none, no rating below 4");
}

/// A zip archive of some files.
void write_zip(const std::filesystem::path& path,
               const std::vector<std::pair<std::string, std::string>>& files) {
  // As zip programs do it: names in UTF-8, and marked as such.
  const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr), before = ::uselocale(utf8);
  archive* out = archive_write_new();
  archive_write_set_format_zip(out);
  ASSERT_EQ(archive_write_open_filename(out, path.c_str()), ARCHIVE_OK);
  for (const auto& [name, text] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(out, entry);
    archive_write_data(out, text.data(), text.size());
    archive_entry_free(entry);
  }
  archive_write_close(out);
  archive_write_free(out);
  ::uselocale(before);
  ::freelocale(utf8);
}

TEST(Formats, ARatingThatIsTheLowestWantedIsKept) {
  const TemporaryFolder folder;
  ReadOptions options{Format::movielens_dat};
  options.with_rating = true;
  const auto rows = read_interactions(write_text(folder / "raw", "1::10::4.1::1\n1::20::4.0::2\n"), options);
  EXPECT_EQ(prepare(rows, {}, Ties::file, 4.1).interactions(), 1)
      << "4.1 as a float is less than as a double";
}

TEST(Formats, NumbersOfTenDigitsAreNotTakenForAmazons) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::data, "cannot tell the format of this line",
               [&] { sniff_format(write_text(folder / "raw", "5551234501,77,4,100\n")); });
  expect_error(ErrorKind::data, "cannot tell the user from the item", [&] {
    read_interactions(write_text(folder / "raw", "5551234501,77,4,100\n"), Format::amazon_csv);
  });
}

TEST(Formats, AReviewIsOfTheProductNotOfItsVariant) {
  const TemporaryFolder folder;
  const auto rows = read_interactions(
      write_text(folder / "raw",
                 "{\"user_id\": \"u\", \"asin\": \"B1\", \"parent_asin\": \"P\", \"timestamp\": 1}\n"
                 "{\"user_id\": \"u\", \"asin\": \"B2\", \"parent_asin\": \"P\", \"timestamp\": 2}\n"),
      Format::amazon_json);
  EXPECT_EQ(rows.items.size(), 1U);
  EXPECT_EQ(rows.items[0], "P");
}

TEST(Formats, JsonIsJsonWhateverItsTextsSay) {
  const TemporaryFolder folder;
  const auto line = [](const std::string& user, const std::string& text) {
    return "{\"username\": \"" + user + "\", \"product_id\": \"1\", \"date\": \"2017-12-17\", \"text\": \"" +
           text + "\"}\n";
  };
  const std::string bob = "bob\\ud83d\\ude00";
  const auto rows = read_interactions(
      write_text(folder / "raw", line(bob, "fine") + line(bob, "you're u'x' it") +
                                     line("amy\\ud83d\\ude01", "u'") + "{u'username': u'" + bob +
                                     "', u'product_id': u'1', u'date': u'2017-12-17'}\n"),
      Format::steam);
  EXPECT_EQ(rows.users.size(), 2U);
  EXPECT_EQ(rows.users[0], "bob\xF0\x9F\x98\x80");
  EXPECT_EQ(rows.user, (std::vector<std::uint32_t>{0, 0, 1, 0}));
}

TEST(Formats, AFileAtTheRootOfAZipIsNamedByItsPath) {
  const TemporaryFolder folder;
  write_zip(folder / "two.zip", {{"old/ratings.csv", "1 2\n"}, {"ratings.csv", "1 2\n3 4\n"}});
  EXPECT_EQ(read_interactions(folder / "two.zip", {.format = Format::sasrec, .member = "ratings.csv"}).size(),
            2U);
}

TEST(Formats, NoneIsNoName) {
  const TemporaryFolder folder;
  const auto rows = read_interactions(
      write_text(folder / "raw",
                 "{'username': None, 'user_id': 'u7', 'product_id': '1', 'date': '2017-12-17'}\n"),
      Format::steam);
  EXPECT_EQ(rows.users[0], "u7");
  expect_error(ErrorKind::data, "there is no username", [&] {
    read_interactions(
        write_text(folder / "raw", "{'username': None, 'product_id': '1', 'date': '2017-12-17'}\n"),
        Format::steam);
  });
}

TEST(Formats, NamesInAZipAreAnyText) {
  const TemporaryFolder folder;
  const std::string name =
      "B\xC3\xBC"
      "cher.txt";
  write_zip(folder / "one.zip", {{name, "1 2\n"}});
  EXPECT_EQ(read_interactions(folder / "one.zip", Format::sasrec).size(), 1U);
  write_zip(folder / "two.zip", {{"a.txt", "1 2\n3 4\n"}, {name, "1 2\n"}});
  EXPECT_EQ(read_interactions(folder / "two.zip", {.format = Format::sasrec, .member = name}).size(), 1U);
  expect_error(ErrorKind::usage, "There are: a.txt, " + name, [&] { sniff_format(folder / "two.zip"); });
}

TEST(Formats, TimesInNanosecondsKeepTheirOrder) {
  const TemporaryFolder folder;
  const auto path = write_text(folder / "raw",
                               "user_id:token\titem_id:token\ttimestamp:float\n"
                               "u\tc\t1700000000000000003\nu\ta\t1700000000000000001\n"
                               "u\tb\t1700000000000000002\n");
  const Dataset data = prepare(read_interactions(path, Format::inter), {}, Ties::file);
  std::string order;
  for (const auto item : data.sequence(0)) order += data.item_name(item);
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(data.protocol().facts.at("tied_share"), 0);
}

TEST(Formats, AZipThroughAPipeIsRefused) {
  const TemporaryFolder folder;
  write_zip(folder / "one.zip", {{"ratings.dat", "1::10::5::1\n"}});
  ASSERT_EQ(test::run_shell(folder, "mkfifo pipe").code, 0);
  const std::string writer =
      "cat " + (folder / "one.zip").string() + " > " + (folder / "pipe").string() + " &";
  ASSERT_EQ(std::system(writer.c_str()), 0);
  expect_error(ErrorKind::usage, "can be read only from a file, not through a pipe",
               [&] { read_interactions(folder / "pipe", Format::movielens_dat); });
}

TEST(Formats, AFileOfAZipArchive) {
  const TemporaryFolder folder;
  const std::string ratings = "1::10::5::1\n2::20::1::2\n";
  write_zip(folder / "ml.zip",
            {{"ml-1m/README", "about\n"}, {"ml-1m/ratings.dat", ratings}, {"ml-1m/users.dat", "1::F\n"}});
  EXPECT_EQ(sniff_format(folder / "ml.zip").format, Format::movielens_dat);
  EXPECT_EQ(read_interactions(folder / "ml.zip", Format::movielens_dat).size(), 2U);
  write_zip(folder / "one.zip", {{"anything.txt", "1 2\n"}});
  EXPECT_EQ(read_interactions(folder / "one.zip", Format::sasrec).size(), 1U);
  write_zip(folder / "titled.zip", {{"ml-1m/movies.dat", "10::Ten::x\n"}, {"ml-1m/ratings.dat", ratings}});
  Dataset data = prepare(read_interactions(folder / "titled.zip", Format::movielens_dat), {}, Ties::file);
  EXPECT_EQ(read_titles(data, folder / "titled.zip").found, 1);
  EXPECT_EQ(data.item_title(1), "Ten");

  write_zip(folder / "two.zip", {{"a/x.txt", "1 2\n"}, {"b/y.txt", "1 2\n3 4\n5 6\n"}});
  expect_error(ErrorKind::usage,
               "it is not clear which file of the archive is meant; name a file with --member. "
               "There are: a/x.txt, b/y.txt",
               [&] { sniff_format(folder / "two.zip"); });
  for (const char* member : {"b/y.txt", "y.txt"}) {
    EXPECT_EQ(read_interactions(folder / "two.zip", {.format = Format::sasrec, .member = member}).size(), 3U);
  }
  for (const char* zip : {"one.zip", "two.zip"}) {
    expect_error(ErrorKind::usage, "there is no 'z.txt' in it; name a file with --member. There are: a",
                 [&] { read_interactions(folder / zip, {.format = Format::sasrec, .member = "z.txt"}); });
  }
  expect_error(ErrorKind::usage, "is no zip archive", [&] {
    read_interactions(write_text(folder / "plain", "1 2\n"), {.format = Format::sasrec, .member = "a"});
  });
}

/// Copies of an archive: cut off at `place`, with eight bytes missing there, and with each bit there flipped.
std::vector<std::vector<char>> damaged_at(const std::vector<char>& bytes, std::size_t place) {
  const auto at = [&](std::size_t i) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(std::min(i, bytes.size()));
  };
  std::vector<std::vector<char>> results{{bytes.begin(), at(place)}, {bytes.begin(), at(place)}};
  results[1].insert(results[1].end(), at(place + 8), bytes.end());
  for (int bit = 0; bit < 8; ++bit) {
    results.push_back(bytes);
    results.back()[place] = static_cast<char>(results.back()[place] ^ (1 << bit));
  }
  return results;
}

// Regression: a file that could not be read in the archive was skipped, and the other one was taken for the
// only one.
TEST(Formats, ADamagedZipGivesNoOtherRows) {
  const TemporaryFolder folder;
  const auto zip_of = [&](const std::string& first, const std::string& second) {
    write_zip(folder / "two.zip", {{first, "1::10::5::1\n"}, {second, "1::20::5::1\n"}});
    return test::read_bytes(folder / "two.zip");
  };
  const auto items_of = [&](const std::vector<char>& bytes) -> std::string {
    test::write_bytes(folder / "damaged.zip", bytes);
    try {
      const auto rows = read_interactions(folder / "damaged.zip", Format::movielens_dat);
      return fmt::format("{}: {}", rows.size(), rows.items[0]);
    } catch (const Error& e) {
      EXPECT_TRUE(e.kind() == ErrorKind::data || e.kind() == ErrorKind::usage) << e.what();
      return "error";
    }
  };
  const auto known = zip_of("ratings.dat", "other.txt"), unknown = zip_of("year1.dat", "year2.dat");
  ASSERT_EQ(items_of(known), "1: 10");
  ASSERT_EQ(items_of(unknown), "error") << "which of them is not clear";
  for (std::size_t place = 0; place < known.size(); ++place) {
    const auto all = damaged_at(known, place);
    EXPECT_EQ(items_of(all[0]), "error") << "cut off behind " << place << " bytes";
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_NE(items_of(all[i]), "1: 20") << place << ", " << i;
  }
  for (std::size_t place = 0; place < unknown.size(); ++place) {
    const auto all = damaged_at(unknown, place);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(items_of(all[i]), "error") << place << ", " << i;
  }
  // The wanted file, marked as a folder.
  auto folder_with_text = known;
  const std::string_view text(known.data(), known.size());
  folder_with_text[text.find("PK\1\2") + 41] = 0x41;
  EXPECT_EQ(items_of(folder_with_text), "error");
}

}  // namespace
}  // namespace lrurec::data
