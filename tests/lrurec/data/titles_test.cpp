// Titles of items, beside the ids of a data set.

#include "lrurec/data/titles.h"

#include "lrurec/data/prepare.h"
#include "lrurec/data/readers.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

using test::expect_error;
using test::TemporaryFolder;
using test::write_text;

/// Items 10 and 20, one user.
Dataset ten_and_twenty(const TemporaryFolder& folder) {
  return prepare(read_interactions(write_text(folder / "x.txt", "1 10\n1 20\n1 10\n"), Format::sasrec), {},
                 Ties::file);
}

struct TitleFile {
  const char* what;
  std::string text;
};

TEST(Titles, AreReadFromTheFilesThatComeWithDataSets) {
  const std::vector<TitleFile> files{
      {"u.item",
       "10|Ami\xE9"
       "e, The (1995)|01-Jan-1995||0|1\n20|B::C|x\n30|none|\n"},
      {"movies.dat",
       "10::Ami\xE9"
       "e, The (1995)::Drama|Comedy\n20::B::x\n20::later::x\n"},
      {"movies.csv",
       "movieId,title,genres\r\n10,\"Ami\xC3\xA9"
       "e, The (1995)\",Drama\r\n20,B,x\r\n"},
      {"a .item file",
       "item_id:token\trelease:token\tmovie_title:token_seq\n20\t1990\tB\n10\t1995\tAmi\xC3\xA9"
       "e, The (1995)\n"},
      {"a table without a header",
       "10,\"Ami\xC3\xA9"
       "e, The (1995)\"\n\n20,B\n"},
      {"a first title that looks like a header",
       "20|Title|x\n10|Ami\xE9"
       "e, The (1995)|x\n"},
      {"fields with other delimiters in them",
       "10,\"Ami\xC3\xA9"
       "e, The (1995)\",Drama|Comedy\n20,B,a::b|c\n"},
      {"a header without the id's name",
       "title,song\n\"Ami\xC3\xA9"
       "e, The (1995)\",10\nB,20\n"},
      {"a table with other columns first",
       "Name\tParent_ASIN\nAmi\xC3\xA9"
       "e, The (1995)\t10\nB\t20\n"},
  };
  for (const auto& file : files) {
    SCOPED_TRACE(file.what);
    const TemporaryFolder folder;
    Dataset data = ten_and_twenty(folder);
    const std::string fingerprint = data.fingerprint();
    EXPECT_EQ(data.item_title(1), "");
    EXPECT_EQ(read_titles(data, write_text(folder / "titles", file.text)).found, 2);
    EXPECT_EQ(data.item_title(1),
              "Ami\xC3\xA9"
              "e, The (1995)");
    const std::string what = file.what;
    EXPECT_EQ(data.item_title(2), what == "u.item"                    ? "B::C"
                                  : what.starts_with("a first title") ? "Title"
                                                                      : "B");
    EXPECT_EQ(data.fingerprint(), fingerprint) << "a run goes on with titles added to its data";
  }
}

// Regression: the first column with any of the known names was taken, so a table's own row numbers became
// item ids.
TEST(Titles, ColumnsThatSayMoreComeFirst) {
  const TemporaryFolder folder;
  Dataset data = ten_and_twenty(folder);
  const auto read = [&](const std::string& text) {
    return read_titles(data, write_text(folder / "titles", text));
  };
  const auto own_numbers = read("id,name,movieId,title\n1,x,10,A\n10,y,20,B\n");
  EXPECT_EQ(own_numbers.found, 2);
  EXPECT_EQ(data.item_title(1), "A");
  EXPECT_EQ(own_numbers.id_column, "column 'movieId'");
  EXPECT_EQ(own_numbers.title_column, "column 'title'");
  EXPECT_EQ(read("asin,parent_asin,name\n1,10,A\n10,20,B\n").id_column, "column 'parent_asin'");
  const auto plain = read("10,A\n20,B\n");
  EXPECT_EQ(plain.id_column, "first field");
  EXPECT_EQ(plain.title_column, "second field");
}

TEST(Titles, AreKeptInTheFile) {
  const TemporaryFolder folder;
  Dataset data = ten_and_twenty(folder);
  const auto version = [&](const char* file) {
    std::uint32_t found = 0;
    nn::read_envelope(folder / file, "dataset", 3, &found);
    return found;
  };
  data.save(folder / "plain.lrd");
  EXPECT_EQ(version("plain.lrd"), 2U) << "earlier builds read it";
  EXPECT_EQ(read_titles(data, write_text(folder / "titles", "20,B\n")).found, 1);
  data.save(folder / "titled.lrd");
  EXPECT_EQ(version("titled.lrd"), 3U);
  const Dataset loaded = Dataset::load(folder / "titled.lrd");
  EXPECT_EQ(loaded, data);
  EXPECT_EQ(loaded.item_title(1), "") << "has none";
  EXPECT_EQ(loaded.item_title(2), "B");
  EXPECT_FALSE(Dataset::load(folder / "plain.lrd").has_titles());
}

TEST(Titles, ThatCannotBeReadSayWhere) {
  const TemporaryFolder folder;
  Dataset data = ten_and_twenty(folder);
  const auto read = [&](const std::string& text) { read_titles(data, write_text(folder / "titles", text)); };
  expect_error(ErrorKind::data, "titles:2:3: a line of titles needs an id and a title",
               [&] { read("10,A\n20\n"); });
  expect_error(ErrorKind::data, "a title for none of the items, whose first is '10'",
               [&] { read("1,A\n2,B\n"); });
  expect_error(ErrorKind::data, "a title for none of the items", [&] { read(""); });
  expect_error(ErrorKind::data, "titles:1:1: no column of this header is called title, name or movie_title",
               [&] { read("itemId,category,product_title\n10,Shoes,Red shoe\n"); });
  expect_error(ErrorKind::io, "there is no such file", [&] { read_titles(data, folder / "nothing"); });
  StringTable one;
  one.add("A");
  expect_error(ErrorKind::file, "the titles do not fit the items", [&] { data.set_titles(one); });
  EXPECT_FALSE(data.has_titles());
}

}  // namespace
}  // namespace lrurec::data
