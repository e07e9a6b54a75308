#include "lrurec/data/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>

#include "lrurec/data/columns.h"
#include "lrurec/util/text.h"
#include "tensor/error.h"

namespace lrurec::data {

void FieldSplitter::split_blanks(const LineSource& source, std::string_view line) {
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    if (quotes_ && line[at] == '"') {
      at = quoted(source, line, at);
      continue;
    }
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    fields_.push_back({line.substr(at, end - at), at + 1});
    at = end;
  }
}

/// Whether what follows a field begins with a delimiter.
bool FieldSplitter::delimits(std::string_view rest) const {
  return delimiter_ == " " ? rest.find_first_of(" \t") == 0 : rest.starts_with(delimiter_);
}

/// The field that begins with a quote at `at`; returns where its delimiter or the line's end is.
std::size_t FieldSplitter::quoted(const LineSource& source, std::string_view line, std::size_t at) {
  std::string& text = unescaped_.emplace_back();
  for (std::size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] != '"') {
      text += line[i];
    } else if (i + 1 < line.size() && line[i + 1] == '"') {
      text += line[i++];
    } else {
      fields_.push_back({text, at + 1});
      if (i + 1 < line.size() && !delimits(line.substr(i + 1))) {
        source.fail_at(i + 2, "text behind a quoted field; write a quote in it twice (\"\")", line);
      }
      return i + 1;
    }
  }
  source.fail_at(at + 1,
                 "the quoted field does not end on its line; take the line ends out of fields, or the quote "
                 "if it is text",
                 line);
}

const std::vector<Field>& FieldSplitter::split(const LineSource& source, std::string_view line) {
  fields_.clear();
  unescaped_.clear();
  if (delimiter_ == " ") {
    split_blanks(source, line);
    return fields_;
  }
  for (std::size_t at = 0;;) {
    std::size_t end = 0;
    if (quotes_ && at < line.size() && line[at] == '"') {
      end = quoted(source, line, at);
    } else {
      end = std::min(line.find(delimiter_, at), line.size());
      fields_.push_back({line.substr(at, end - at), at + 1});
    }
    if (end >= line.size()) return fields_;
    at = end + delimiter_.size();
  }
}

std::optional<std::string> first_line(LineSource& source) {
  while (const auto line = source.next()) {
    if (!blank(*line)) return std::string(*line);
  }
  return std::nullopt;
}

bool is_whole_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc{} || end != last || !std::isfinite(value)) return std::nullopt;
  return value;
}

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

namespace {

/// `count` digits at the beginning of `text`, which they leave; -1 for anything else.
int take_digits(std::string_view& text, std::size_t count) {
  int value = 0;
  if (text.size() < count) return -1;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = 10 * value + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Seconds that a clock is ahead of UTC: "" and "Z", +02:00, +0200 or +02.
std::optional<int> parse_offset(std::string_view text) {
  if (text.empty() || text == "Z") return 0;
  const int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
  const int hours = take_digits(text, 2);
  if (sign == 0 || hours < 0 || hours > 23) return std::nullopt;
  if (text.empty()) return sign * 3600 * hours;
  take(text, ':');
  const int minutes = take_digits(text, 2);
  if (minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  return sign * (3600 * hours + 60 * minutes);
}

std::optional<Time> parse_date(std::string_view text) {
  using namespace std::chrono;
  const int y = take_digits(text, 4);
  if (y < 0 || !take(text, '-')) return std::nullopt;
  const int m = take_digits(text, 2);
  if (m < 0 || !take(text, '-')) return std::nullopt;
  const int d = take_digits(text, 2);
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  if (d < 0 || !date.ok()) return std::nullopt;
  const Time midnight = static_cast<Time>(sys_days(date).time_since_epoch().count()) * 86400;
  if (text.empty()) return midnight;
  if (!take(text, ' ') && !take(text, 'T')) return std::nullopt;
  const int hours = take_digits(text, 2);
  if (hours < 0 || hours > 23 || !take(text, ':')) return std::nullopt;
  const int minutes = take_digits(text, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  int seconds = 0;
  if (take(text, ':')) {
    seconds = take_digits(text, 2);
    if (seconds < 0 || seconds > 60) return std::nullopt;
  }
  double fraction = 0;
  if (!text.empty() && text.front() == '.') {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
    fraction = parse_number("0" + std::string(text.substr(0, end))).value_or(0);
    text.remove_prefix(end);
  }
  const auto offset = parse_offset(text);
  if (!offset) return std::nullopt;
  return midnight + 3600 * hours + 60 * minutes + seconds + fraction - *offset;
}

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  text = text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc{} && end == text.data() + text.size()) return whole;
  if (parse_number(text)) {  // a double would lose nanoseconds
    Time number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  return parse_date(text);
}

std::optional<Time> parse_time_as(const std::string& form, std::string_view text) {
  const std::string copy(without_blanks(text));
  std::tm date{};
  date.tm_mday = 1;
  const char* end = strptime(copy.c_str(), form.c_str(), &date);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::tm as_read = date;
  const std::time_t seconds = timegm(&date);
  // timegm takes the 31st of April for the 1st of May.
  if (date.tm_mday != as_read.tm_mday || date.tm_mon != as_read.tm_mon) return std::nullopt;
  return static_cast<Time>(seconds) - static_cast<Time>(as_read.tm_gmtoff);
}

void check_time_form(const std::string& form) {
  const auto has = [&](char letter) { return form.find(std::string{'%', letter}) != std::string::npos; };
  if (has('s')) {
    fail(ErrorKind::usage, "--time-format: %s is a number, which is read without it; leave it out");
  }
  if (!has('Y') && !has('y') && !has('F') && !has('D') && !has('c') && !has('x')) {
    fail(ErrorKind::usage,
         "--time-format: '{}' has no year (%Y or %y); it must say how dates are written, such as "
         "'%d.%m.%Y %H:%M'",
         form);
  }
}

std::string why_no_time(std::string_view text, const std::string& form) {
  if (blank(text)) return "the time is missing";
  const std::string seen = util::printable(text);
  if (!form.empty())
    return fmt::format("the time '{}' is not written as --time-format '{}' says", seen, form);
  return fmt::format(
      "the time '{}' is neither a number nor a date such as 2022-04-21 or 2022-04-21T07:22 (of --columns, "
      "--time-format says how other dates are written)",
      seen);
}

std::optional<Time> TimeColumn::parse(const LineSource& source, std::string_view text, std::size_t column,
                                      std::string_view line) {
  const auto time = form_.empty() ? parse_time(text) : parse_time_as(form_, text);
  if (!time || !form_.empty()) return time;
  const bool date = text.find('-', text.find_first_of("0123456789")) != std::string_view::npos &&
                    text.find_first_of("eE") == std::string_view::npos;
  if (dates_.value_or(date) != date) {
    source.fail_at(column,
                   date ? "a date, where lines before have numbers; write all times in one way"
                        : "a number, where lines before have dates; write all times in one way",
                   line);
  }
  dates_ = date;
  return time;
}

}  // namespace lrurec::data
