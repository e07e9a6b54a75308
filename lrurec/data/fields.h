#pragma once
// A line of delimited text and what its fields mean.

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lrurec/data/interactions.h"
#include "lrurec/data/line_source.h"

namespace lrurec::data {

struct Field {
  std::string_view text;
  std::size_t column;  ///< from 1
};

/// Cuts lines into fields; the fields of a line are valid until the next one.
class FieldSplitter {
 public:
  /// delimiter: a text such as "," or "::"; " " stands for any run of blanks and tabs. quotes: a field in
  /// double quotes may hold the delimiter, and "" stands for a quote in it.
  FieldSplitter(std::string delimiter, bool quotes) : delimiter_(std::move(delimiter)), quotes_(quotes) {}

  /// A quoted field that does not end on its line is ErrorKind::data.
  const std::vector<Field>& split(const LineSource& source, std::string_view line);

 private:
  void split_blanks(const LineSource& source, std::string_view line);
  bool delimits(std::string_view rest) const;
  std::size_t quoted(const LineSource& source, std::string_view line, std::size_t at);

  std::string delimiter_;
  bool quotes_;
  std::vector<Field> fields_;
  std::deque<std::string> unescaped_;
};

/// A copy of the next line that is not blank; nothing at the end of the file.
std::optional<std::string> first_line(LineSource& source);

inline bool blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }
bool is_whole_number(std::string_view text);

/// A number as it is. A date, such as 2017-12-17, 2017-12-17 08:30:00 or 2017-12-17T08:30:00Z, as seconds
/// since 1970; it is in UTC unless it has an offset. Nothing for any other text.
std::optional<Time> parse_time(std::string_view text);
std::optional<double> parse_number(std::string_view text);
/// A date of this form, such as %d.%m.%Y %H:%M, as strptime(3) has it; in UTC unless it has an offset (%z).
/// Nothing for any other text, and for a day that there is not.
std::optional<Time> parse_time_as(const std::string& form, std::string_view text);
/// A form without a year, or of seconds since 1970, which are a number, is ErrorKind::usage.
void check_time_form(const std::string& form);
/// Why parse_time(), or parse_time_as() with a form that is not empty, has nothing for this text, as a
/// sentence for an error.
std::string why_no_time(std::string_view text, const std::string& form = {});

/// Whether the first field is the product and the second the reviewer, or the other way round. A product's
/// number has 10 characters; a reviewer's has more and begins with an A. Nothing if they do not look like
/// that.
std::optional<bool> item_comes_first(const std::vector<Field>& fields);

/// The times of a file.
class TimeColumn {
 public:
  /// form: of parse_time_as(); empty: parse_time()
  explicit TimeColumn(std::string form = {}) : form_(std::move(form)) {}
  /// The time of a text that stands at `column` of the line. A date after numbers, or a number after
  /// dates, is ErrorKind::data: a date counts seconds, a number whatever the file means by it.
  std::optional<Time> parse(const LineSource& source, std::string_view text, std::size_t column,
                            std::string_view line);

 private:
  std::string form_;
  std::optional<bool> dates_;  ///< what the first one was
};

}  // namespace lrurec::data
