#include "lrurec/data/readers.h"

#include <fmt/format.h>
#include <malloc.h>

#include "lrurec/data/line_source.h"
#include "lrurec/data/prepare.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

using test::expect_error;
using test::TemporaryFolder;
using test::write_text;

const std::string inter_header = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n";

std::string fingerprint_of(const std::filesystem::path& path, Format format = Format::sasrec) {
  return prepare(read_interactions(path, format), {}, Ties::file).fingerprint();
}

TEST(Readers, SasrecText) {
  const TemporaryFolder folder;
  const auto rows = read_interactions(write_text(folder / "a.txt", "1 10\n1 7\n2  7\n"), Format::sasrec);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows.items[rows.item[2]], "7");
  EXPECT_EQ(rows.item[1], rows.item[2]);
  EXPECT_TRUE(rows.time.empty());
}

TEST(Readers, InterColumnsInAnyOrderNegativeAndFractionalTimes) {
  const TemporaryFolder folder;
  const auto rows = read_interactions(
      write_text(folder / "a.inter",
                 "timestamp:float\titem_id:token\tuser_id:token\n-5\tx y\talice\n8.8e8\tz\tbob\n"),
      Format::inter);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows.users[rows.user[0]], "alice");
  EXPECT_EQ(rows.items[rows.item[0]], "x y");
  EXPECT_EQ(rows.time, (std::vector<Time>{-5, 8.8e8}));
}

TEST(Readers, LineEndsBomBlankLinesAndCompressionMakeNoDifference) {
  const TemporaryFolder folder;
  const std::string clean = "1 1\n1 2\n2 3\n2 1\n";
  const std::string expected = fingerprint_of(write_text(folder / "clean.txt", clean));
  EXPECT_EQ(fingerprint_of(write_text(folder / "crlf.txt", "1 1\r\n1 2\r\n2 3\r\n2 1\r\n")), expected);
  EXPECT_EQ(fingerprint_of(write_text(folder / "bom.txt", "\xEF\xBB\xBF" + clean)), expected);
  EXPECT_EQ(fingerprint_of(write_text(folder / "blank.txt", "\n1 1\n\n1 2\n \n2 3\n2 1\n\n")), expected);
  EXPECT_EQ(fingerprint_of(write_text(folder / "open.txt", "1 1\n1 2\n2 3\n2 1")), expected);
  ASSERT_EQ(test::run_shell(folder,
                            "gzip -k clean.txt && xz -k clean.txt && bzip2 -k clean.txt && "
                            "{ printf '1 1\\n1 2\\n' | gzip; printf '2 3\\n2 1\\n' | gzip; } > members.gz")
                .code,
            0);
  // "1 1\n1 2\n2 3\n2 1\n" by zstd, which not every machine has as a command.
  const std::vector<unsigned char> zst{0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x81, 0x00, 0x00,
                                       '1',  ' ',  '1',  '\n', '1',  ' ',  '2',  '\n', '2',
                                       ' ',  '3',  '\n', '2',  ' ',  '1',  '\n'};
  test::write_bytes(folder / "clean.txt.zst", {zst.begin(), zst.end()});
  for (const char* name : {"clean.txt.gz", "clean.txt.xz", "clean.txt.bz2", "clean.txt.zst", "members.gz"}) {
    EXPECT_EQ(fingerprint_of(folder / name), expected) << name;
  }
}

// A changed digit in a block that is stored uncompressed: only the checksum shows it.
TEST(Readers, ADamagedGzipFileIsRefused) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 1; i <= 2000; ++i) text += std::to_string(i % 50 + 1) + " " + std::to_string(i) + "\n";
  write_text(folder / "clean.txt", text);
  ASSERT_EQ(test::run_shell(folder,
                            "gzip -k clean.txt && cat clean.txt.gz clean.txt.gz > twice.gz && "
                            "{ cat clean.txt.gz; printf xyz; } > more.gz")
                .code,
            0);
  EXPECT_EQ(read_interactions(folder / "twice.gz", Format::sasrec).size(), 4000U);
  expect_error(ErrorKind::data, "3 bytes follow that are not compressed data",
               [&] { read_interactions(folder / "more.gz", Format::sasrec); });
  const auto bytes = test::read_bytes(folder / "clean.txt.gz");
  int refused = 0;
  // Every place behind the header, which no checksum covers. The rows before the damage may also fail as a
  // data set.
  for (std::size_t from_end = 1; from_end < bytes.size() - 40; from_end += from_end < 10 ? 1 : 97) {
    auto damaged = bytes;
    damaged[damaged.size() - from_end] = static_cast<char>(damaged[damaged.size() - from_end] ^ 4);
    test::write_bytes(folder / "damaged.gz", damaged);
    try {
      EXPECT_EQ(fingerprint_of(folder / "damaged.gz"), fingerprint_of(folder / "clean.txt"))
          << "only bits that say nothing may be turned over";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::data);
      ++refused;
    }
    test::write_bytes(folder / "cut.gz",
                      {bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(from_end)});
    expect_error(ErrorKind::data, "(its end is missing)",
                 [&] { read_interactions(folder / "cut.gz", Format::sasrec); });
  }
  EXPECT_GT(refused, 10);
}

struct BadLine {
  const char* name;
  Format format;
  std::string text;
  const char* message;
};

class BadLines : public testing::TestWithParam<BadLine> {};

TEST_P(BadLines, AreReportedWithFileLineAndColumn) {
  const TemporaryFolder folder;
  const auto& bad = GetParam();
  const auto path = write_text(folder / "bad", bad.text);
  expect_error(ErrorKind::data, path.string() + bad.message, [&] { read_interactions(path, bad.format); });
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadLines,
    testing::Values(
        BadLine{"missing_item", Format::sasrec, "1 1\n2\n",
                ":2:2: 'user item' is needed, found 1 field (see --format): '2'"},
        BadLine{"third_field", Format::sasrec, "1 1 1\n", ":1:5: 'user item' is needed, found 3 fields"},
        BadLine{"not_a_number", Format::sasrec, "1 1\n1 2\n7 x\n",
                ":3:3: the item id must be a positive whole number"},
        BadLine{"negative", Format::sasrec, "-1 1\n", ":1:1: the user id must be a positive whole number"},
        BadLine{"zero", Format::sasrec, "1 0\n", ":1:3: the item id must be a positive whole number"},
        BadLine{"fraction", Format::sasrec, "1 1.5\n", ":1:3: the item id must be"},
        // Regression: it was taken for 7, which may be another item.
        BadLine{"leading_zero", Format::sasrec, "1 7\n1 007\n",
                ":2:3: the item id begins with 0, and sasrec has numbers; ids that are text are read by "
                "--columns user=0,item=1 --delimiter space"},
        BadLine{"too_large", Format::sasrec, "18446744073709551616 1\n",
                ":1:1: the user id does not fit into 63 bits"},
        BadLine{"nul", Format::sasrec, std::string("1 1\n1 \0001\n", 9), ":2:3: a NUL byte"},
        BadLine{"latin1", Format::inter, inter_header + "caf\xE9\tb\t1\t1\n", ":2:4: text that is not UTF-8"},
        BadLine{"overlong", Format::inter, inter_header + "\xC0\xAF\tb\t1\t1\n",
                ":2:1: text that is not UTF-8"},
        BadLine{"surrogate", Format::inter, inter_header + "\xED\xA0\x80\tb\t1\t1\n",
                ":2:1: text that is not UTF-8"},
        BadLine{"columns", Format::inter, inter_header + "a\tb\t1\n", ":2:6: 3 columns, 4 are needed"},
        BadLine{"time", Format::inter, inter_header + "a\tb\t1\tsoon\n",
                ":2:7: the time 'soon' is neither a number nor a date such as 2022-04-21 or "
                "2022-04-21T07:22 (of --columns, --time-format says how other dates are written): "
                "'a\\tb\\t1\\tsoon'"},
        BadLine{"infinite_time", Format::inter, inter_header + "a\tb\t1\tinf\n",
                ":2:7: the time 'inf' is neither a number nor a date"},
        BadLine{"empty_time", Format::inter, inter_header + "a\tb\t1\t\n", ":2:7: the time is missing: 'a"},
        BadLine{"little_endian_utf16", Format::inter, std::string("\xFF\xFEu\0\n\0", 6),
                ": this is UTF-16; convert it to UTF-8 first: iconv -f utf-16 -t utf-8 FILE"},
        BadLine{"big_endian_utf16", Format::inter, std::string("\xFE\xFF\0u\0\n", 6), ": this is UTF-16"},
        BadLine{"empty_user", Format::inter, inter_header + "\tb\t1\t1\n", ":2:1: the user id is missing"},
        BadLine{"empty_item", Format::inter, inter_header + "a\t\t1\t1\n", ":2:3: the item id is missing"},
        BadLine{"no_header", Format::inter, "a\tb\n", ":1:1: a header of 'name:type' columns is needed"},
        BadLine{"no_item_column", Format::inter, "user_id:token\tx:float\n",
                ":1:1: the header needs the columns"},
        BadLine{"bad_type", Format::inter, "user_id:text\titem_id:token\n", ":1:9: the type must be"}),
    [](const testing::TestParamInfo<BadLine>& test) { return std::string(test.param.name); });

TEST(Readers, LinesThatCannotBeReadAreSkippedUpToANumber) {
  const TemporaryFolder folder;
  const auto path = write_text(folder / "x.inter", inter_header + "a\tb\t1\t1\na\tc\t1\tsoon\na\tc\n" +
                                                       std::string("a\t\0\t1\t1\n", 8) + "a\td\t1\t2\n");
  const auto read = [&](std::int64_t skip) {
    return read_interactions(path, {.format = Format::inter, .skip = skip});
  };
  const auto rows = read(3);
  EXPECT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows.items[1], "d");
  EXPECT_EQ(rows.skipped, 3);
  ASSERT_EQ(rows.remarks.size(), 1U);
  EXPECT_TRUE(rows.remarks[0].starts_with(
      "3 lines cannot be read and are left out; the first: " + path.string() + ":3:7: the time 'soon'"))
      << rows.remarks[0];
  EXPECT_EQ(prepare(rows, {}, Ties::file).protocol().facts.at("skipped_lines"), 3);
  expect_error(ErrorKind::data, "x.inter:5:3: a NUL byte", [&] { read(2); });
  expect_error(ErrorKind::data, "x.inter:3:7: the time 'soon'", [&] { read(0); });

  const auto fails = [&](const std::string& text, Format format, const char* message) {
    expect_error(ErrorKind::data, message, [&] {
      read_interactions(write_text(folder / "y", text), {.format = format, .skip = 1000});
    });
  };
  fails("1 x\n2 y\n", Format::sasrec,
        "no interaction in this file that can be read; the first line left out: ");
  fails("user_id:token\n1\n", Format::inter, "the header needs the columns user_id and item_id");
  fails("1 2\n1 " + std::string((std::size_t{1} << 20) + 9, '3') + "\n", Format::sasrec,
        "a line of more than 1 MiB");
}

TEST(Readers, IdsWithBlanksAroundThemAreCounted) {
  const TemporaryFolder folder;
  const auto remarks = [&](const std::string& rows) {
    return read_interactions(write_text(folder / "x.inter", inter_header + rows), Format::inter).remarks;
  };
  EXPECT_TRUE(remarks("a\ti 1\t1\t1\n").empty()) << "a blank inside an id is no matter";
  EXPECT_EQ(
      remarks("a\ti1\t1\t1\na\t i1\t1\t2\na\t i1\t1\t3\n"),
      (std::vector<std::string>{"the item ' i1' begins or ends with a blank and is kept as it is; without "
                                "the blank it would be another id"}));
  EXPECT_EQ(
      remarks("a \ti1\t1\t1\na\ti1 \t1\t2\n"),
      (std::vector<std::string>{"2 ids begin or end with a blank and are kept as they are; without it they "
                                "would be other ids. The first is the user 'a '"}));
}

TEST(Readers, MissingEmptyAndDamagedFiles) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::io, "there is no such file",
               [&] { read_interactions(folder / "none", Format::sasrec); });
  expect_error(ErrorKind::io, "it is a folder", [&] { read_interactions(folder.path(), Format::sasrec); });
  expect_error(ErrorKind::data, "no interaction",
               [&] { read_interactions(write_text(folder / "empty", ""), Format::sasrec); });
  expect_error(ErrorKind::data, "no interaction",
               [&] { read_interactions(write_text(folder / "blank", "\n \n"), Format::sasrec); });
  expect_error(ErrorKind::data, "no interaction",
               [&] { read_interactions(write_text(folder / "header", inter_header), Format::inter); });
  ASSERT_EQ(
      test::run_shell(folder,
                      "seq -f '1 %.0f' 1 100000 | gzip > whole.gz && head -c 50000 whole.gz > cut.gz && "
                      "seq -f '1 %.0f' 1 100000 | xz > whole.xz && head -c 5000 whole.xz > cut.xz")
          .code,
      0);
  expect_error(ErrorKind::data, "damaged or cut off",
               [&] { read_interactions(folder / "cut.gz", Format::sasrec); });
  expect_error(ErrorKind::data, "damaged", [&] { read_interactions(folder / "cut.xz", Format::sasrec); });
}

TEST(Readers, AnEndlessLineStopsAtOneMebibyte) {
  const TemporaryFolder folder;
  ASSERT_EQ(test::run_shell(folder, "head -c 200000000 /dev/zero | tr '\\0' 7 | gzip -1 > bomb.gz").code, 0);
  expect_error(ErrorKind::data, "a line of more than 1 MiB",
               [&] { read_interactions(folder / "bomb.gz", Format::sasrec); });
}

TEST(Readers, BytesBehindTheCompressedDataAreNotIgnored) {
  const TemporaryFolder folder;
  const std::string text = "1 1\n1 2\n2 3\n2 1\n";
  const std::string expected = fingerprint_of(write_text(folder / "clean.txt", text));
  ASSERT_EQ(test::run_shell(folder, "gzip -k clean.txt && xz -k clean.txt").code, 0);
  for (const std::string kind : {".gz", ".xz"}) {
    const std::string whole = test::read_text(folder / ("clean.txt" + kind));
    EXPECT_EQ(fingerprint_of(write_text(folder / "whole", whole)), expected) << kind;
    expect_error(ErrorKind::data, (folder / "junk").string() + ": ", [&] {
      read_interactions(write_text(folder / "junk", whole + "not compressed"), Format::sasrec);
    });
    // The beginning of a second member, as an interrupted copy leaves it.
    expect_error(ErrorKind::data, (folder / "begun").string() + ": ", [&] {
      read_interactions(write_text(folder / "begun", whole + whole.substr(0, 5)), Format::sasrec);
    });
  }
}

// Regression: from a pipe such bytes were silently dropped.
TEST(Readers, BytesBehindCompressedDataInAPipeAreNotIgnored) {
  const TemporaryFolder folder;
  const std::string expected = fingerprint_of(write_text(folder / "clean.txt", "1 1\n1 2\n2 3\n2 1\n"));
  ASSERT_EQ(test::run_shell(folder, "gzip -k clean.txt && bzip2 -k clean.txt && mkfifo pipe").code, 0);
  const auto through_pipe = [&](const std::string& writer) {
    const std::string line = "cd " + folder.path().string() + " && { " + writer + "; } > pipe 2>.err &";
    EXPECT_EQ(std::system(line.c_str()), 0);
    return fingerprint_of(folder / "pipe");
  };
  EXPECT_EQ(through_pipe("cat clean.txt"), expected);
  for (const std::string kind : {".gz", ".bz2"}) {
    const std::string whole = "cat clean.txt" + kind;
    EXPECT_EQ(through_pipe(whole), expected) << kind;
    EXPECT_EQ(through_pipe(whole + "; head -c 300000 /dev/zero"), expected) << kind;
    for (const char* more : {"; echo 3 1", "; sleep .1; echo 3 1", "; head -c 300000 /dev/zero; echo 3 1"}) {
      expect_error(ErrorKind::data, "more follows that is not compressed data",
                   [&] { through_pipe(whole + more); });
    }
  }
}

// Tapes and block devices pad with zeros; gzip skips them too.
TEST(Readers, ZerosBehindAGzipFileAreNoData) {
  const TemporaryFolder folder;
  const std::string expected = fingerprint_of(write_text(folder / "clean.txt", "1 1\n1 2\n2 3\n2 1\n"));
  ASSERT_EQ(
      test::run_shell(folder,
                      "gzip -k clean.txt && { cat clean.txt.gz; head -c 100000 /dev/zero; } > padded.gz && "
                      "{ cat padded.gz; echo x; } > more.gz")
          .code,
      0);
  EXPECT_EQ(fingerprint_of(folder / "padded.gz"), expected);
  expect_error(ErrorKind::data, "100002 bytes follow that are not compressed data",
               [&] { read_interactions(folder / "more.gz", Format::sasrec); });
}

TEST(Readers, GzipCutAtEveryByteIsReported) {
  const TemporaryFolder folder;
  write_text(folder / "clean.txt", "1 1\n1 2\n2 3\n2 1\n");
  ASSERT_EQ(test::run_shell(folder, "gzip -k clean.txt").code, 0);
  const std::string whole = test::read_text(folder / "clean.txt.gz");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto cut = write_text(folder / "cut.gz", whole.substr(0, length));
    expect_error(ErrorKind::data, "cut.gz", [&] { read_interactions(cut, Format::sasrec); });
  }
}

TEST(Readers, CompressedNothingIsAnEmptyDataSet) {
  const TemporaryFolder folder;
  ASSERT_EQ(test::run_shell(folder, "printf '' | gzip > none.gz; printf '' | xz > none.xz").code, 0);
  for (const char* name : {"none.gz", "none.xz"}) {
    expect_error(ErrorKind::data, "there is no interaction",
                 [&] { read_interactions(folder / name, Format::sasrec); });
  }
}

TEST(Readers, ATextThatLooksUuencodedIsReadAsText) {
  const TemporaryFolder folder;
  const auto path = write_text(folder / "a.txt", "begin 644 x\n#0V%T\n`\nend\n");
  expect_error(ErrorKind::data, ":1:11: 'user item' is needed, found 3 fields",
               [&] { read_interactions(path, Format::sasrec); });
}

std::int64_t kilobytes(const std::string& key) {
  const std::string status = test::read_text("/proc/self/status");
  return std::stoll(status.substr(status.find(key) + key.size()));
}

TEST(Prepare, NeedsLittleMemory) {
  const TemporaryFolder folder;
  std::string text = "user_id:token\titem_id:token\ttimestamp:float\n";
  constexpr std::int64_t rows = 400000;
  for (std::int64_t i = 0; i < rows; ++i) text += fmt::format("{}\t{}\t{}\n", i / 50, i % 997, i);
  test::write_text(folder / "rows.inter", text);
  text = {};
  ::malloc_trim(0);
  // Resets the kernel's high-water mark of this process to what it holds now.
  std::ofstream("/proc/self/clear_refs") << "5";
  const auto before = kilobytes("VmRSS:");
  if (kilobytes("VmHWM:") > before + 4096) GTEST_SKIP() << "/proc/self/clear_refs cannot be written";
  const auto data = prepare(read_interactions(folder / "rows.inter", Format::inter), {}, Ties::file);
  EXPECT_EQ(data.interactions(), rows);
  // Bytes a row: two numbers, a time, a place while sorting, and a second copy of a vector that grows; 50
  // were measured.
  EXPECT_LT(1024 * (kilobytes("VmHWM:") - before) / rows, 70);
}

TEST(Readers, AGibibyteLineNeedsLittleMemory) {
  const TemporaryFolder folder;
  ASSERT_EQ(test::run_shell(folder,
                            "head -c 67108864 /dev/zero | tr '\\0' 7 | gzip -1 > part.gz && "
                            "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat part.gz; done > line.gz")
                .code,
            0);
  std::ofstream("/proc/self/clear_refs") << "5";
  const auto before = kilobytes("VmRSS:");
  if (kilobytes("VmHWM:") > before + 4096) GTEST_SKIP() << "/proc/self/clear_refs cannot be written";
  expect_error(ErrorKind::data, "a line of more than 1 MiB",
               [&] { read_interactions(folder / "line.gz", Format::sasrec); });
  EXPECT_LT(kilobytes("VmHWM:") - before, 64 * 1024);
}

TEST(Readers, NamesForATerminalOrJsonAreMadePrintable) {
  const TemporaryFolder folder;
  const auto path = write_text(folder / "caf\xE9\x1b.txt", "1 1\n");
  EXPECT_EQ(read_interactions(path, Format::sasrec).source, "caf\\xe9\\x1b.txt");
}

TEST(Readers, APipeIsNotSniffed) {
  const TemporaryFolder folder;
  ASSERT_EQ(test::run_shell(folder, "mkfifo pipe").code, 0);
  const std::string writer = "echo '1 2' > " + (folder / "pipe").string() + " &";
  ASSERT_EQ(std::system(writer.c_str()), 0);
  expect_error(ErrorKind::usage, "pipe can be read only once; name its format with --format",
               [&] { sniff_format(folder / "pipe"); });
}

TEST(Readers, SniffingSaysWhyAndNeverGuesses) {
  const TemporaryFolder folder;
  EXPECT_EQ(sniff_format(write_text(folder / "a", inter_header)).format, Format::inter);
  EXPECT_EQ(sniff_format(write_text(folder / "b", "\n1 2\n")).format, Format::sasrec);
  expect_error(ErrorKind::data, "--format", [&] { sniff_format(write_text(folder / "c", "a,b,c\n")); });
}

TEST(Readers, UsualNamesInAHeaderAreTheColumns) {
  const TemporaryFolder folder;
  const auto flags = [&](const std::string& text) {
    const Sniffed sniffed = sniff_format(write_text(folder / "raw", text));
    EXPECT_EQ(sniffed.format, Format::columns) << text;
    EXPECT_EQ(
        read_interactions(folder / "raw", {.format = sniffed.format, .columns = sniffed.columns}).size(), 1U)
        << text;
    return sniffed.columns.flags();
  };
  EXPECT_EQ(flags("user_id,item_id,timestamp\na,b,1\n"),
            "--columns user=user_id,item=item_id,time=timestamp");
  EXPECT_EQ(flags("Event Time;Product-ID;CUSTOMER;Stars;page\n1;b;a;5;x\n"),
            "--columns 'user=CUSTOMER,item=Product-ID,time=Event Time,rating=Stars'");
  EXPECT_EQ(flags("\"visitorid\"\t\"sku\"\na\tb\n"), "--columns user=visitorid,item=sku");
  EXPECT_EQ(flags("user item date\na b 2020-01-01\n"),
            "--columns user=user,item=item,time=date --delimiter space");
  EXPECT_EQ(flags("user_id,item_id,a;b\nu,i,x\n"), "--columns user=user_id,item=item_id --delimiter ,");
  EXPECT_EQ(sniff_format(write_text(folder / "m", "userId,movieId,rating,timestamp\n1,2,3,4\n")).format,
            Format::movielens_csv)
      << "as before";

  const auto fails = [&](const std::string& text, const char* message) {
    expect_error(ErrorKind::data, message, [&] { sniff_format(write_text(folder / "raw", text)); });
  };
  fails("user_id,asin,parent_asin,ts\n",
        "raw:1:1: both 'asin' and 'parent_asin' could be the item; choose with --columns "
        "user=user_id,item=..,time=ts: ");
  fails("user_id,item_id,date,timestamp\n", "both 'date' and 'timestamp' could be the time");
  fails("user_id;thing;when\n",
        "raw:1:1: cannot tell the format of this line; name it with --format, or its columns with --columns "
        "user=user_id,item=..,time=.., where .. is one of user_id, thing, when");
}

// Regression: a column of times was left out without a word.
TEST(Readers, ColumnsWithoutATimeAreToldOf) {
  const TemporaryFolder folder;
  const auto remarks = [&](const std::string& text, const std::string& columns, bool header = false) {
    ReadOptions options{.format = Format::columns, .columns = Columns::parse(columns)};
    options.columns.header = header;
    return read_interactions(write_text(folder / "raw", text), options).remarks;
  };
  const std::string said =
      "no time=COLUMN is given, so each user's rows are taken in the order of the file, oldest first";
  using Remarks = std::vector<std::string>;
  EXPECT_EQ(remarks("u,i,ts\na,b,1\n", "user=u,item=i"), Remarks{said + "; 'ts' looks like a time"});
  EXPECT_EQ(remarks("u,i,ts\na,b,1\n", "user=0,item=1", true), Remarks{said + "; 'ts' looks like a time"});
  EXPECT_EQ(remarks("a,b,1\n", "user=0,item=1"), Remarks{said});
  EXPECT_EQ(remarks("u,i,ts\na,b,1\n", "user=u,item=i,time=ts"), Remarks{});
  EXPECT_EQ(remarks("u,i\na,b\n", "user=u,item=i"), Remarks{}) << "there is nothing else";
}

}  // namespace
}  // namespace lrurec::data
