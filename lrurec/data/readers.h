#pragma once
// Raw formats. docs/data.md shows a line of each.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lrurec/data/columns.h"
#include "lrurec/data/interactions.h"

namespace lrurec::data {

enum class Format {
  sasrec,  ///< "user item" a line, positive whole numbers, each user's items in time order
  inter,   ///< RecBole's atomic file: tab-separated, a header of name:type, user_id, item_id and timestamp
  movielens_dat,  ///< user::item::rating::time
  movielens_csv,  ///< a header userId,movieId,rating,timestamp
  movielens_tab,  ///< u.data: user, item, rating, time between tabs
  amazon_csv,     ///< user,item,rating,time (2014), item,user,rating,time (2018) or with a header (2023)
  amazon_json,    ///< reviews as JSON lines: reviewerID, asin, overall, unixReviewTime, or the names of 2023
  steam,          ///< reviews as Python or JSON dictionaries: username, product_id, date
  columns,        ///< any delimited text, see Columns
};
const std::vector<Format>& formats();
std::string_view name(Format format);
enum class FormatFor { reading, writing };
/// A name as --format has it; anything else is ErrorKind::usage, which lists the names.
Format parse_format(const std::string& text, FormatFor purpose = FormatFor::reading);

struct ReadOptions {
  Format format = Format::sasrec;
  Columns columns = {};      ///< of Format::columns
  std::string member = {};   ///< of a zip file with several files
  bool with_rating = false;  ///< fills Interactions::rating; a format without is ErrorKind::usage
  std::int64_t skip = 0;     ///< so many lines that cannot be read are left out; never a header
};

/// Reads a file in a known format. A malformed line is ErrorKind::data with `file:line:column` and the text,
/// unless it may be skipped. A file without rows is ErrorKind::data; other errors are LineSource's.
Interactions read_interactions(const std::filesystem::path& path, const ReadOptions& options);
inline Interactions read_interactions(const std::filesystem::path& path, Format format) {
  return read_interactions(path, ReadOptions{format});
}

struct Sniffed {
  Format format;
  std::string why;
  Columns columns = {};  ///< of Format::columns
};
/// The format a file seems to have, by its first line. A header with usual names for user and item is
/// Format::columns. ErrorKind::data naming --format or --columns where it fits none, or where two columns
/// have usual names for one thing; ErrorKind::usage for a pipe, which can be read only once.
Sniffed sniff_format(const std::filesystem::path& path, const std::string& member = {});

}  // namespace lrurec::data
