#pragma once
// Raw formats. docs/data.md shows a line of each.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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

/// Which columns of a delimited text are read: by number from 0, or by their name in the header.
struct Columns {
  std::string user, item, time, rating;  ///< time and rating may be empty
  std::string delimiter;                 ///< empty: the one that the first line has
  bool header = false;                   ///< the first line is one; it always is where columns have names

  /// "user=0,item=1,time=3" or "user=uid,item=isbn,rating=stars"; anything else is ErrorKind::usage.
  static Columns parse(const std::string& text);
};

struct ReadOptions {
  Format format = Format::sasrec;
  Columns columns = {};      ///< of Format::columns
  std::string member = {};   ///< of a zip file with several files
  bool with_rating = false;  ///< fills Interactions::rating; a format without is ErrorKind::usage
};

/// Reads a file in a known format. A malformed line is ErrorKind::data with `file:line:column` and the text,
/// as is a file without rows; other errors are LineSource's.
Interactions read_interactions(const std::filesystem::path& path, const ReadOptions& options);
inline Interactions read_interactions(const std::filesystem::path& path, Format format) {
  return read_interactions(path, ReadOptions{format});
}

struct Sniffed {
  Format format;
  std::string why;
};
/// The format a file seems to have, by its first line; ErrorKind::data naming --format when it fits none,
/// ErrorKind::usage for a pipe, which can be read only once.
Sniffed sniff_format(const std::filesystem::path& path, const std::string& member = {});

}  // namespace lrurec::data
