#include "lrurec/data/readers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "lrurec/data/fields.h"
#include "lrurec/data/row_sink.h"
#include "lrurec/util/suggest.h"
#include "lrurec/util/text.h"
#include "tensor/error.h"

namespace lrurec::data {

std::uint32_t Interner::number(std::string_view text) {
  const auto it = numbers_.find(text);
  if (it != numbers_.end()) return it->second;
  const auto next = static_cast<std::uint32_t>(numbers_.size());
  numbers_.emplace(text, next);
  return next;
}

StringTable Interner::texts() const {
  std::vector<std::string_view> ordered(numbers_.size());
  for (const auto& [text, number] : numbers_) ordered[number] = text;
  StringTable table;
  for (const auto text : ordered) table.add(text);
  return table;
}

void RowSink::add(std::string_view user, std::string_view item, std::optional<Time> time,
                  std::optional<double> rating) {
  constexpr std::size_t most_rows = std::size_t{1} << 31;
  if (rows_.size() >= most_rows)
    fail(ErrorKind::data, "{}: more than 2^31 rows, the most there can be; leave some out", source_.path());
  rows_.user.push_back(users_.number(user));
  rows_.item.push_back(items_.number(item));
  if (time) rows_.time.push_back(*time);
  if (rating) rows_.rating.push_back(static_cast<float>(*rating));
}

/// Of ids that seem alike and are not.
void RowSink::remark_on_blanks() {
  std::size_t count = 0;
  std::string first;
  const auto look = [&](const StringTable& ids, const char* what) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (without_blanks(ids[i]) == ids[i]) continue;
      if (count++ == 0) first = fmt::format("the {} '{}'", what, util::printable(ids[i]));
    }
  };
  look(rows_.users, "user");
  look(rows_.items, "item");
  if (count == 0) return;
  remark(count == 1
             ? fmt::format("{} begins or ends with a blank and is kept as it is; without the blank it "
                           "would be another id",
                           first)
             : fmt::format("{} ids begin or end with a blank and are kept as they are; without it they "
                           "would be other ids. The first is {}",
                           count, first));
}

Interactions RowSink::finish() {
  if (rows_.size() == 0) {
    fail(ErrorKind::data, "{}: there is no interaction in this file{}", source_.path(),
         rows_.skipped == 0 ? "; is it the right one?"
                            : fmt::format(" that can be read; the first line left out: {}", first_skipped_));
  }
  rows_.users = users_.texts();
  rows_.items = items_.texts();
  if (rows_.skipped > 0) {
    remark(fmt::format("{} line{} cannot be read and {} left out{} {}", rows_.skipped,
                       rows_.skipped == 1 ? "" : "s", rows_.skipped == 1 ? "is" : "are",
                       rows_.skipped == 1 ? ":" : "; the first:", first_skipped_));
  }
  remark_on_blanks();
  return std::move(rows_);
}

namespace {

/// A positive whole number below 2^63. "007" is refused: as a number it would be "7", which may be another.
std::string_view parse_id(const LineSource& source, const Field& field, const char* what,
                          std::string_view line) {
  std::int64_t value = 0;
  const char* last = field.text.data() + field.text.size();
  const auto [end, error] = std::from_chars(field.text.data(), last, value);
  if (error == std::errc::result_out_of_range) {
    source.fail_at(field.column, fmt::format("the {} id does not fit into 63 bits", what), line);
  }
  if (error != std::errc{} || end != last || value <= 0) {
    source.fail_at(field.column,
                   fmt::format("the {} id must be a positive whole number (or give --format inter)", what),
                   line);
  }
  if (field.text.starts_with('0')) {
    source.fail_at(
        field.column,
        fmt::format("the {} id begins with 0, and sasrec has numbers; ids that are text are read by "
                    "--columns user=0,item=1 --delimiter space --filter none",
                    what),
        line);
  }
  return field.text;
}

void read_sasrec(LineSource& source, RowSink& rows) {
  FieldSplitter splitter(" ", /*quotes=*/false);
  rows.each_line(source, [&](std::string_view line) {
    const auto& fields = splitter.split(source, line);
    if (fields.size() != 2) {
      const std::size_t column = fields.size() > 2 ? fields[2].column : line.size() + 1;
      source.fail_at(column,
                     fmt::format("'user item' is needed, found {} field{} (see --format)", fields.size(),
                                 fields.size() == 1 ? "" : "s"),
                     line);
    }
    rows.add(parse_id(source, fields[0], "user", line), parse_id(source, fields[1], "item", line), {}, {});
  });
}

/// The rows that meet some conditions.
class RowChoice {
 public:
  void add(Condition condition, std::size_t place) {
    conditions_.push_back({std::move(condition), place, {}});
  }
  bool takes(const std::vector<Field>& fields) {
    for (auto& [condition, place, others] : conditions_) {
      const auto value = without_blanks(fields[place].text);
      if (std::ranges::find(condition.values, value) != condition.values.end()) continue;
      if (others.size() < most_told) others.emplace(value);
      ++unlike_;
      return false;
    }
    taken_ = true;
    return true;
  }
  /// To be called after the last row. No row that meets the conditions is ErrorKind::data.
  void tell(const LineSource& source, RowSink& rows) const {
    if (!taken_ && unlike_ > 0) fail_without_rows(source);
    std::vector<std::string> texts;
    for (const auto& one : conditions_) texts.push_back(one.condition.text());
    rows.only(std::move(texts), unlike_);
  }

 private:
  static constexpr std::size_t most_told = 6;
  struct One {
    Condition condition;
    std::size_t place;
    std::set<std::string> others;  ///< values of rows that do not meet it
  };
  [[noreturn]] void fail_without_rows(const LineSource& source) const {
    std::string met, there;
    for (const auto& one : conditions_) {
      met += (met.empty() ? "" : " and ") + one.condition.text();
      if (one.others.empty()) continue;
      there += fmt::format("; '{}' is {}{}", one.condition.column, fmt::join(one.others, ", "),
                           one.others.size() == most_told ? " and more" : "");
    }
    fail(ErrorKind::data, "{}: none of {} rows has {} (--where){}", source.path(), unlike_,
         util::printable(met), util::printable(there));
  }

  std::vector<One> conditions_;
  std::int64_t unlike_ = 0;
  bool taken_ = false;
};

/// Which field of a line holds what.
struct Places {
  std::size_t user = 0, item = 1, count = 0;  ///< count: fields of every line
  std::optional<std::size_t> time, rating;
  std::string time_form = {};  ///< see Columns
};

/// Reads the rows, behind a header if there is one. `first`: a row that was read already.
void read_fields(LineSource& source, RowSink& rows, FieldSplitter& splitter, const Places& at,
                 bool with_rating, std::optional<std::string> first = {}, RowChoice* choice = nullptr) {
  TimeColumn times(at.time_form);
  const auto row = [&](std::string_view line, bool first_row) {
    const auto& fields = splitter.split(source, line);
    if (fields.size() != at.count) {
      source.fail_at(line.size() + 1, fmt::format("{} columns, {} are needed", fields.size(), at.count),
                     line);
    }
    if (choice != nullptr && !choice->takes(fields)) return;
    for (const std::size_t i : {at.user, at.item}) {
      if (fields[i].text.empty()) {
        source.fail_at(fields[i].column, i == at.user ? "the user id is missing" : "the item id is missing",
                       line);
      }
    }
    std::optional<Time> time;
    std::optional<double> rating;
    if (at.time) {
      time = times.parse(source, fields[*at.time].text, fields[*at.time].column, line);
      if (!time) {
        source.fail_at(fields[*at.time].column,
                       why_no_time(fields[*at.time].text, at.time_form) +
                           (first_row ? "; if this line is a header, give --header" : ""),
                       line);
      }
    }
    if (with_rating) {
      rating = parse_number(fields[*at.rating].text);
      if (!rating) source.fail_at(fields[*at.rating].column, "the rating must be a number", line);
    }
    rows.add(fields[at.user].text, fields[at.item].text, time, rating);
  };
  if (first) row(*first, true);
  rows.each_line(source, [&](std::string_view line) { row(line, false); });
}

void need_rating(const LineSource& source, const ReadOptions& options, bool there) {
  if (options.with_rating && !there) {
    const bool columns = options.format == Format::columns;
    fail(ErrorKind::usage, "{}: --min-rating needs ratings, and {}", source.path(),
         columns ? "--columns does not say which they are: add rating=.."
                 : fmt::format("format {} has none here", name(options.format)));
  }
}

/// Two columns have one name, and either could be meant.
[[noreturn]] void fail_twice(const LineSource& source, const std::vector<Field>& fields, std::size_t first,
                             std::size_t second, std::string_view name, std::string_view header) {
  source.fail_at(fields[second].column,
                 fmt::format("the columns {} and {} (counted from 0) are both called '{}'; choose by number, "
                             "with --columns user=..,item=.. and --header",
                             first, second, util::printable(name)),
                 header);
}

void read_inter(LineSource& source, RowSink& rows, const ReadOptions& options) {
  FieldSplitter splitter("\t", /*quotes=*/false);
  const auto header = first_line(source);
  if (!header) return;
  std::optional<std::size_t> user, item;
  Places at;
  const std::map<std::string_view, std::optional<std::size_t>*> wanted{
      {"user_id", &user}, {"item_id", &item}, {"timestamp", &at.time}, {"rating", &at.rating}};
  const auto fields = splitter.split(source, *header);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto colon = fields[i].text.find(':');
    if (colon == std::string_view::npos) {
      source.fail_at(fields[i].column, "a header of 'name:type' columns is needed, such as user_id:token",
                     *header);
    }
    const auto column = fields[i].text.substr(0, colon), type = fields[i].text.substr(colon + 1);
    if (type != "token" && type != "float" && type != "token_seq" && type != "float_seq") {
      source.fail_at(fields[i].column + colon + 1, "the type must be token, float, token_seq or float_seq",
                     *header);
    }
    const auto place = wanted.find(column);
    if (place == wanted.end()) continue;
    if (*place->second) fail_twice(source, fields, **place->second, i, column, *header);
    *place->second = i;
  }
  if (!user || !item) source.fail_at(1, "the header needs the columns user_id and item_id", *header);
  at.user = *user, at.item = *item, at.count = fields.size();
  need_rating(source, options, at.rating.has_value());
  read_fields(source, rows, splitter, at, options.with_rating);
}

void read_movielens_csv(LineSource& source, RowSink& rows, const ReadOptions& options) {
  FieldSplitter splitter(",", /*quotes=*/true);
  const auto header = first_line(source);
  if (header && *header != "userId,movieId,rating,timestamp") {
    source.fail_at(1, "the header userId,movieId,rating,timestamp is needed", *header);
  }
  read_fields(source, rows, splitter, {0, 1, 4, 3, 2}, options.with_rating);
}

void read_amazon_csv(LineSource& source, RowSink& rows, const ReadOptions& options) {
  FieldSplitter splitter(",", /*quotes=*/true);
  const auto first = first_line(source);
  if (!first) return;
  if (*first == "user_id,parent_asin,rating,timestamp") {
    return read_fields(source, rows, splitter, {0, 1, 4, 3, 2}, options.with_rating);
  }
  const auto& fields = splitter.split(source, *first);
  if (fields.size() != 4) source.fail_at(1, "four columns are needed: user, item, rating, time", *first);
  const auto item_first = item_comes_first(fields);
  if (!item_first) {
    source.fail_at(1,
                   "cannot tell the user from the item (an item's number has 10 characters); say it with "
                   "--columns user=..,item=..,rating=..,time=..",
                   *first);
  }
  const Places at{*item_first ? 1U : 0U, *item_first ? 0U : 1U, 4, 3, 2};
  read_fields(source, rows, splitter, at, options.with_rating, first);
}

std::string delimiter_of(const LineSource& source, const Columns& columns, std::string_view first) {
  if (columns.delimiter == "tab") return "\t";
  if (columns.delimiter == "space") return " ";
  if (!columns.delimiter.empty()) return columns.delimiter;
  const auto found = delimiters_in(first);
  if (found.size() != 1) {
    source.fail_at(1,
                   found.empty() ? "cannot tell what separates the columns; say it with --delimiter"
                                 : "several characters could separate the columns; choose with --delimiter",
                   first);
  }
  return found[0];
}

std::string in_words(const std::string& delimiter) {
  if (delimiter == "\t") return "tabs";
  if (delimiter == ",") return "commas";
  if (delimiter == ";") return "semicolons";
  return delimiter == "|" ? "bars" : "double colons";
}

/// Two columns are needed, and with the delimiter that was asked for the first line is one.
[[noreturn]] void fail_undivided(const LineSource& source, const std::string& delimiter,
                                 std::string_view first) {
  const auto others = delimiters_in(first);
  const std::string other = others.empty() ? ""
                                           : fmt::format("; it has {}: --delimiter {}", in_words(others[0]),
                                                         delimiter_name(others[0]));
  source.fail_at(
      1, fmt::format("with --delimiter {} this line is one column{}", delimiter_name(delimiter), other),
      first);
}

/// Rows are read without their times, and the file may have some.
void remark_on_order(RowSink& rows, const std::vector<Field>& fields, const Places& at, bool header) {
  if (fields.size() <= (at.rating ? 3U : 2U)) return;  // all that there is is read
  const auto names = header ? usual_names(fields).time : std::vector<std::string>();
  rows.remark(fmt::format(
      "no time=COLUMN is given, so each user's rows are taken in the order of the file, oldest first{}",
      names.empty() ? "" : fmt::format("; '{}' looks like a time", util::printable(names[0]))));
}

void read_columns(LineSource& source, RowSink& rows, const ReadOptions& options) {
  const Columns& columns = options.columns;
  const auto first = first_line(source);
  if (!first) return;
  const std::string delimiter = delimiter_of(source, columns, *first);
  FieldSplitter splitter(delimiter, /*quotes=*/true);
  const auto& fields = splitter.split(source, *first);
  if (fields.size() == 1 && !columns.delimiter.empty()) fail_undivided(source, delimiter, *first);
  bool header = columns.header;
  const auto place = [&](const std::string& column) -> std::optional<std::size_t> {
    if (column.empty()) return std::nullopt;
    if (is_whole_number(column)) {
      std::size_t number = fields.size();  // kept where the text is too large a number
      std::from_chars(column.data(), column.data() + column.size(), number);
      if (number < fields.size()) return number;
      source.fail_at(
          1, fmt::format("there is no column {}: the line has {} (counted from 0)", column, fields.size()),
          *first);
    }
    header = true;
    std::vector<std::string> names;
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      names.emplace_back(without_blanks(fields[i].text));
      if (names.back() != column) continue;
      if (found) fail_twice(source, fields, *found, i, column, *first);
      found = i;
    }
    if (found) return found;
    source.fail_at(
        1, fmt::format("there is no column '{}' in the header{}", column, util::suggestion(column, names)),
        *first);
  };
  Places at;
  at.user = *place(columns.user), at.item = *place(columns.item), at.count = fields.size();
  at.time = place(columns.time), at.rating = place(columns.rating), at.time_form = columns.time_form;
  if (at.user == at.item) {
    fail(ErrorKind::usage, "--columns: user and item are the same column, '{}' and '{}'", columns.user,
         columns.item);
  }
  RowChoice choice;
  for (const Condition& condition : columns.where) choice.add(condition, *place(condition.column));
  need_rating(source, options, at.rating.has_value());
  if (!at.time) remark_on_order(rows, fields, at, header);
  read_fields(source, rows, splitter, at, options.with_rating, header ? std::nullopt : first, &choice);
  choice.tell(source, rows);
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> all{Format::sasrec,        Format::inter,         Format::movielens_dat,
                                       Format::movielens_csv, Format::movielens_tab, Format::amazon_csv,
                                       Format::amazon_json,   Format::steam};
  return all;
}

std::string_view name(Format format) {
  constexpr std::string_view names[] = {"sasrec",        "inter",         "movielens-dat",
                                        "movielens-csv", "movielens-tab", "amazon-csv",
                                        "amazon-json",   "steam",         "columns"};
  return names[static_cast<int>(format)];
}

Format parse_format(const std::string& text, FormatFor purpose) {
  std::vector<std::string> names;
  for (const auto format : formats()) {
    if (name(format) == text) return format;
    names.emplace_back(name(format));
  }
  const bool reading = purpose == FormatFor::reading;
  fail(ErrorKind::usage, "--format must be {}{}, not '{}'{}{}", reading ? "auto, " : "",
       fmt::join(names, ", "), text, util::suggestion(text, names),
       reading ? "; any other delimited text: --columns" : "");
}

Interactions read_interactions(const std::filesystem::path& path, const ReadOptions& options) {
  LineSource source(path, options.member);
  RowSink sink(source, options.skip);
  const auto delimited = [&](const char* delimiter) {
    FieldSplitter splitter(delimiter, /*quotes=*/false);
    read_fields(source, sink, splitter, {0, 1, 4, 3, 2}, options.with_rating);
  };
  if (options.format == Format::sasrec || options.format == Format::steam)
    need_rating(source, options, false);
  switch (options.format) {
    case Format::sasrec:
      read_sasrec(source, sink);
      break;
    case Format::inter:
      read_inter(source, sink, options);
      break;
    case Format::movielens_dat:
      delimited("::");
      break;
    case Format::movielens_tab:
      delimited("\t");
      break;
    case Format::movielens_csv:
      read_movielens_csv(source, sink, options);
      break;
    case Format::amazon_csv:
      read_amazon_csv(source, sink, options);
      break;
    case Format::amazon_json:
      read_amazon_json(source, sink, options.with_rating);
      break;
    case Format::steam:
      read_steam(source, sink);
      break;
    case Format::columns:
      read_columns(source, sink, options);
      break;
  }
  Interactions rows = sink.finish();
  rows.source = util::printable(path.filename().string(), 255);
  rows.format = name(options.format);
  return rows;
}

}  // namespace lrurec::data
