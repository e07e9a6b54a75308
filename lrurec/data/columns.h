#pragma once
// Which columns of a delimited text are read.

#include <string>
#include <string_view>
#include <vector>

namespace lrurec::data {

struct Field;

/// Of a row: a column, by number from 0 or by its name in the header, has one of these values.
struct Condition {
  std::string column;
  std::vector<std::string> values;

  /// "event=addtocart,transaction"; anything else is ErrorKind::usage. Blanks around names and values do not
  /// count.
  static Condition parse(const std::string& text);
  std::string text() const;
};

/// Columns by number from 0, or by their name in the header.
struct Columns {
  std::string user, item, time, rating;  ///< time and rating may be empty
  std::string time_form = {};            ///< how times are written (parse_time_as); empty: parse_time
  std::vector<Condition> where = {};     ///< only rows that meet all of them are read
  std::string delimiter;                 ///< empty: the one that the first line has
  bool header = false;                   ///< the first line is one; it always is where columns have names

  /// "user=0,item=1,time=3" or "user=uid, item=isbn, rating=stars"; anything else is ErrorKind::usage, which
  /// names the part at fault.
  static Columns parse(const std::string& text);
  /// The flags that say the same: "--columns user=0,item=1,time=3", and the delimiter if it is given.
  std::string flags() const;
};

/// The names in a header that usually stand for each of these, as the header has them.
struct UsualNames {
  std::vector<std::string> user, item, time, rating;
};
/// Case and the separators _ - and blank make no difference: user_id, userId and "User ID" are one name.
UsualNames usual_names(const std::vector<Field>& header);

/// The texts that may separate the columns of this line, of tab, "::", comma, semicolon and bar.
std::vector<std::string> delimiters_in(std::string_view line);
/// As --delimiter has it: "tab", "space" or the text.
std::string delimiter_name(const std::string& delimiter);

/// A text without the blanks around it.
std::string_view without_blanks(std::string_view text);

}  // namespace lrurec::data
