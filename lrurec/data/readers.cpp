#include "lrurec/data/readers.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "lrurec/data/line_source.h"
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

namespace {

constexpr std::size_t most_events = std::size_t{1} << 31;

struct Field {
  std::string_view text;
  std::size_t column;  ///< from 1
};

/// Fields between any run of blanks and tabs.
std::vector<Field> split_blanks(std::string_view line) {
  std::vector<Field> fields;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    fields.push_back({line.substr(at, end - at), at + 1});
    at = end;
  }
  return fields;
}

/// Fields between single tabs; empty ones count.
std::vector<Field> split_tabs(std::string_view line) {
  std::vector<Field> fields;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = std::min(line.find('\t', at), line.size());
    fields.push_back({line.substr(at, end - at), at + 1});
    if (end == line.size()) return fields;
    at = end + 1;
  }
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

void check_events(const LineSource& source, std::size_t events) {
  if (events >= most_events) fail(ErrorKind::data, "{}: more than 2^31 rows", source.path());
}

/// A positive whole number below 2^63, without its leading zeros ("007" is "7").
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
  return field.text.substr(field.text.find_first_not_of('0'));
}

Interactions read_sasrec(const std::filesystem::path& path) {
  LineSource source(path);
  Interactions rows;
  Interner users, items;
  while (const auto line = source.next()) {
    if (blank(*line)) continue;
    const auto fields = split_blanks(*line);
    if (fields.size() != 2) {
      const std::size_t column = fields.size() > 2 ? fields[2].column : line->size() + 1;
      source.fail_at(
          column, fmt::format("'user item' is needed, found {} fields (see --format)", fields.size()), *line);
    }
    check_events(source, rows.size());
    rows.user.push_back(users.number(parse_id(source, fields[0], "user", *line)));
    rows.item.push_back(items.number(parse_id(source, fields[1], "item", *line)));
  }
  rows.users = users.texts();
  rows.items = items.texts();
  return rows;
}

struct InterColumns {
  std::size_t user, item, count;
  std::optional<std::size_t> time;
};

InterColumns parse_header(const LineSource& source, std::string_view line) {
  std::optional<std::size_t> user, item, time;
  const auto fields = split_tabs(line);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto colon = fields[i].text.find(':');
    if (colon == std::string_view::npos) {
      source.fail_at(fields[i].column, "a header of 'name:type' columns is needed, such as user_id:token",
                     line);
    }
    const auto name = fields[i].text.substr(0, colon), type = fields[i].text.substr(colon + 1);
    if (type != "token" && type != "float" && type != "token_seq" && type != "float_seq") {
      source.fail_at(fields[i].column + colon + 1, "the type must be token, float, token_seq or float_seq",
                     line);
    }
    if (name == "user_id") user = i;
    if (name == "item_id") item = i;
    if (name == "timestamp") time = i;
  }
  if (!user || !item) source.fail_at(1, "the header needs the columns user_id and item_id", line);
  return {*user, *item, fields.size(), time};
}

double parse_time(const LineSource& source, const Field& field, std::string_view line) {
  double value = 0;
  const char* last = field.text.data() + field.text.size();
  const auto [end, error] = std::from_chars(field.text.data(), last, value);
  if (error != std::errc{} || end != last || !std::isfinite(value)) {
    source.fail_at(field.column, "the timestamp must be a number", line);
  }
  return value;
}

Interactions read_inter(const std::filesystem::path& path) {
  LineSource source(path);
  Interactions rows;
  Interner users, items;
  std::optional<InterColumns> columns;
  while (const auto line = source.next()) {
    if (blank(*line)) continue;
    if (!columns) {
      columns = parse_header(source, *line);
      continue;
    }
    const auto fields = split_tabs(*line);
    if (fields.size() != columns->count) {
      source.fail_at(line->size() + 1,
                     fmt::format("{} columns, the header has {}", fields.size(), columns->count), *line);
    }
    for (const std::size_t i : {columns->user, columns->item}) {
      if (fields[i].text.empty()) {
        source.fail_at(fields[i].column,
                       i == columns->user ? "the user id is missing" : "the item id is missing", *line);
      }
    }
    check_events(source, rows.size());
    rows.user.push_back(users.number(fields[columns->user].text));
    rows.item.push_back(items.number(fields[columns->item].text));
    if (columns->time) rows.time.push_back(parse_time(source, fields[*columns->time], *line));
  }
  rows.users = users.texts();
  rows.items = items.texts();
  return rows;
}

}  // namespace

std::string_view name(Format format) { return format == Format::sasrec ? "sasrec" : "inter"; }

Interactions read_interactions(const std::filesystem::path& path, Format format) {
  Interactions rows = format == Format::sasrec ? read_sasrec(path) : read_inter(path);
  if (rows.size() == 0) fail(ErrorKind::data, "{}: there is no interaction in this file", path.string());
  rows.source = printable(path.filename().string(), 255);
  rows.format = name(format);
  return rows;
}

Sniffed sniff_format(const std::filesystem::path& path) {
  LineSource source(path);
  if (!std::filesystem::is_regular_file(path)) {  // what is read here would be missing afterwards
    fail(ErrorKind::usage, "{} can be read only once; name its format with --format sasrec or --format inter",
         path.string());
  }
  while (const auto line = source.next()) {
    if (blank(*line)) continue;
    if (line->find("user_id:") != std::string_view::npos &&
        line->find("item_id:") != std::string_view::npos) {
      return {Format::inter, "the first line is a header of name:type columns"};
    }
    const auto fields = split_blanks(*line);
    const auto numeric = [](const Field& f) {
      return f.text.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (fields.size() == 2 && numeric(fields[0]) && numeric(fields[1])) {
      return {Format::sasrec, "the first line is two whole numbers"};
    }
    source.fail_at(1, "cannot tell the format of this line; name it with --format sasrec or --format inter",
                   *line);
  }
  fail(ErrorKind::data, "{}: the file is empty", path.string());
}

}  // namespace lrurec::data
