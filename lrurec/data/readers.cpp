#include "lrurec/data/readers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

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
  if (rows_.size() >= most_rows) fail(ErrorKind::data, "{}: more than 2^31 rows", source_.path());
  rows_.user.push_back(users_.number(user));
  rows_.item.push_back(items_.number(item));
  if (time) rows_.time.push_back(*time);
  if (rating) rows_.rating.push_back(static_cast<float>(*rating));
}

Interactions RowSink::finish() {
  rows_.users = users_.texts();
  rows_.items = items_.texts();
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
  while (const auto line = source.next()) {
    if (blank(*line)) continue;
    const auto& fields = splitter.split(source, *line);
    if (fields.size() != 2) {
      const std::size_t column = fields.size() > 2 ? fields[2].column : line->size() + 1;
      source.fail_at(
          column, fmt::format("'user item' is needed, found {} fields (see --format)", fields.size()), *line);
    }
    rows.add(parse_id(source, fields[0], "user", *line), parse_id(source, fields[1], "item", *line), {}, {});
  }
}

/// Which field of a line holds what.
struct Places {
  std::size_t user = 0, item = 1, count = 0;  ///< count: fields of every line
  std::optional<std::size_t> time, rating;
};

/// Reads the rows, behind a header if there is one. `first`: a row that was read already.
void read_fields(LineSource& source, RowSink& rows, FieldSplitter& splitter, const Places& at,
                 bool with_rating, std::optional<std::string> first = {}) {
  TimeColumn times;
  const auto row = [&](std::string_view line, bool first_row) {
    const auto& fields = splitter.split(source, line);
    if (fields.size() != at.count) {
      source.fail_at(line.size() + 1, fmt::format("{} columns, {} are needed", fields.size(), at.count),
                     line);
    }
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
                       first_row ? "the timestamp must be a number or a date (YYYY-MM-DD); if this line is a "
                                   "header, give --header"
                                 : "the timestamp must be a number or a date (YYYY-MM-DD)",
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
  while (const auto line = source.next()) {
    if (!blank(*line)) row(*line, false);
  }
}

/// A copy of the next line that is not blank; nothing at the end of the file.
std::optional<std::string> first_line(LineSource& source) {
  while (const auto line = source.next()) {
    if (!blank(*line)) return std::string(*line);
  }
  return std::nullopt;
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

/// Whether the first field is the product and the second the reviewer, or the other way round. A product's
/// number has 10 characters; a reviewer's has more and begins with an A. Nothing if they do not look like
/// that.
std::optional<bool> item_comes_first(const std::vector<Field>& fields) {
  const auto of_amazon = [](const Field& field) {
    return std::ranges::all_of(field.text,
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
  };
  const auto product = [&](const Field& field) { return field.text.size() == 10 && of_amazon(field); };
  const auto reviewer = [&](const Field& field) {
    return field.text.size() > 10 && field.text.front() == 'A' && of_amazon(field);
  };
  if (product(fields[0]) && reviewer(fields[1])) return true;
  if (reviewer(fields[0]) && product(fields[1])) return false;
  return std::nullopt;
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
  std::vector<std::string> found;
  for (const char* candidate : {"\t", "::", ",", ";", "|"}) {
    if (first.find(candidate) != std::string_view::npos) found.emplace_back(candidate);
  }
  if (found.size() != 1) {
    source.fail_at(1,
                   found.empty() ? "cannot tell what separates the columns; say it with --delimiter"
                                 : "several characters could separate the columns; choose with --delimiter",
                   first);
  }
  return found[0];
}

void read_columns(LineSource& source, RowSink& rows, const ReadOptions& options) {
  const Columns& columns = options.columns;
  const auto first = first_line(source);
  if (!first) return;
  FieldSplitter splitter(delimiter_of(source, columns, *first), /*quotes=*/true);
  const auto& fields = splitter.split(source, *first);
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
      names.emplace_back(fields[i].text);
      if (fields[i].text != column) continue;
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
  at.time = place(columns.time), at.rating = place(columns.rating);
  if (at.user == at.item) {
    fail(ErrorKind::usage, "--columns: user and item are the same column, '{}' and '{}'", columns.user,
         columns.item);
  }
  need_rating(source, options, at.rating.has_value());
  read_fields(source, rows, splitter, at, options.with_rating, header ? std::nullopt : first);
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

Columns Columns::parse(const std::string& text) {
  Columns columns;
  const auto wrong = [&] {
    fail(ErrorKind::usage,
         "--columns must be user=..,item=.. and may have time=.. and rating=.., each a number from 0 or a "
         "name in the header, not '{}'",
         text);
  };
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals + 1 == part.size()) wrong();
    const std::string key = part.substr(0, equals), value = part.substr(equals + 1);
    std::string* member = key == "user"     ? &columns.user
                          : key == "item"   ? &columns.item
                          : key == "time"   ? &columns.time
                          : key == "rating" ? &columns.rating
                                            : nullptr;
    if (member == nullptr || !member->empty()) wrong();
    *member = value;
    at = end + 1;
  }
  if (columns.user.empty() || columns.item.empty()) wrong();
  if (columns.user == columns.item) {
    fail(ErrorKind::usage, "--columns: user and item are the same column, '{}'", columns.user);
  }
  return columns;
}

Interactions read_interactions(const std::filesystem::path& path, const ReadOptions& options) {
  LineSource source(path, options.member);
  RowSink sink(source);
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
  if (rows.size() == 0) fail(ErrorKind::data, "{}: there is no interaction in this file", path.string());
  rows.source = util::printable(path.filename().string(), 255);
  rows.format = name(options.format);
  return rows;
}

namespace {

std::optional<Sniffed> sniff_line(const LineSource& source, std::string_view line) {
  const auto has = [&](std::string_view text) { return line.find(text) != std::string_view::npos; };
  if (has("user_id:") && has("item_id:")) {
    return Sniffed{Format::inter, "the first line is a header of name:type columns"};
  }
  if (line == "userId,movieId,rating,timestamp")
    return Sniffed{Format::movielens_csv, "its header is MovieLens's"};
  if (line == "user_id,parent_asin,rating,timestamp")
    return Sniffed{Format::amazon_csv, "its header is Amazon's"};
  if (line.starts_with('{')) {
    if (has("\"reviewerID\"") || has("\"asin\"") || has("\"parent_asin\"")) {
      return Sniffed{Format::amazon_json, "the first line is a JSON review with a product's asin"};
    }
    if (has("product_id") && has("username")) {
      return Sniffed{Format::steam, "the first line is a review with username and product_id"};
    }
    return std::nullopt;
  }
  const auto numbers = [](const std::vector<Field>& fields) {
    return std::all_of(fields.begin(), fields.end(),
                       [](const Field& f) { return parse_number(f.text).has_value(); });
  };
  const auto four_numbers = [&](const char* delimiter) {
    FieldSplitter splitter(delimiter, false);
    const auto& fields = splitter.split(source, line);
    return fields.size() == 4 && numbers(fields);
  };
  if (four_numbers("::"))
    return Sniffed{Format::movielens_dat, "the first line is four numbers between '::'"};
  if (four_numbers("\t"))
    return Sniffed{Format::movielens_tab, "the first line is four numbers between tabs"};
  FieldSplitter blanks(" ", false);
  const auto& words = blanks.split(source, line);
  const auto counts = [](const Field& f) { return is_whole_number(f.text) && !f.text.starts_with('0'); };
  if (words.size() == 2 && counts(words[0]) && counts(words[1])) {
    return Sniffed{Format::sasrec, "the first line is two whole numbers"};
  }
  FieldSplitter commas(",", true);
  std::vector<Field> fields;
  try {
    fields = commas.split(source, line);
  } catch (const Error& e) {  // quotes that no csv file has
    if (e.kind() != ErrorKind::data) throw;
    return std::nullopt;
  }
  if (fields.size() == 4 && parse_number(fields[2].text) && parse_number(fields[3].text)) {
    if (const auto item_first = item_comes_first(fields)) {
      return Sniffed{Format::amazon_csv, fmt::format("the first line is {}, a rating and a time",
                                                     *item_first ? "a product of 10 characters, a reviewer"
                                                                 : "a reviewer, a product of 10 characters")};
    }
  }
  return std::nullopt;
}

}  // namespace

Sniffed sniff_format(const std::filesystem::path& path, const std::string& member) {
  LineSource source(path, member);
  if (!std::filesystem::is_regular_file(path)) {  // what is read here would be missing afterwards
    fail(ErrorKind::usage, "{} can be read only once; name its format with --format or --columns",
         path.string());
  }
  const auto line = first_line(source);
  if (!line) fail(ErrorKind::data, "{}: the file is empty", path.string());
  if (const auto sniffed = sniff_line(source, *line)) return *sniffed;
  source.fail_at(1,
                 "cannot tell the format of this line; name it with --format, or its columns with --columns "
                 "user=..,item=..,time=..",
                 *line);
}

}  // namespace lrurec::data
