// Reviews, one dictionary a line: JSON (Amazon, Steam), or Python's way of writing it (Steam).

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "lrurec/data/fields.h"
#include "lrurec/data/row_sink.h"

namespace lrurec::data {
namespace {

/// The texts and numbers that a dictionary has under some names, as text. All else is skipped.
class Picked {
 public:
  explicit Picked(std::vector<std::string> names) : names_(std::move(names)), values_(names_.size()) {}

  void clear() {
    for (auto& value : values_) value.reset();
    twice_.clear();
  }
  void set(std::string_view name, std::string value) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] != name) continue;
      if (values_[i]) twice_ = name;
      values_[i] = std::move(value);
      return;
    }
  }
  /// A name that came twice, so that either value could be meant; or "".
  const std::string& twice() const { return twice_; }
  /// The first of some names (by position) that the dictionary has.
  const std::optional<std::string>& first(std::initializer_list<std::size_t> positions) const {
    for (const auto i : positions) {
      if (values_[i]) return values_[i];
    }
    return values_[*positions.begin()];
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::optional<std::string>> values_;
  std::string twice_;
};

/// Takes texts and numbers of the outermost object.
class TopLevel : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit TopLevel(Picked& picked) : picked_(picked) {}
  std::size_t error_at = 0;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t x) override { return take(std::to_string(x)); }
  bool number_unsigned(number_unsigned_t x) override { return take(std::to_string(x)); }
  bool number_float(number_float_t, const string_t& text) override { return take(text); }
  bool string(string_t& text) override { return take(text); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return ++depth_ > 0; }
  bool end_object() override { return depth_-- > 0; }
  bool start_array(std::size_t) override { return ++depth_ > 1; }  // the line itself must be an object
  bool end_array() override { return depth_-- > 0; }
  bool key(string_t& name) override {
    if (depth_ == 1) key_ = name;
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
    error_at = at;
    return false;
  }

 private:
  bool take(std::string text) {
    if (depth_ == 1) picked_.set(key_, std::move(text));
    return depth_ > 0;
  }
  Picked& picked_;
  std::string key_;
  int depth_ = 0;
};

void parse_json(const LineSource& source, std::string_view line, Picked& picked) {
  TopLevel handler(picked);
  if (!nlohmann::json::sax_parse(line.begin(), line.end(), &handler)) {
    source.fail_at(std::max<std::size_t>(handler.error_at, 1), "this is not a JSON object", line);
  }
}

/// {u'name': u'text', 'other': 1.5, 'flag': True}
class PythonDictionary {
 public:
  PythonDictionary(const LineSource& source, std::string_view line) : source_(source), line_(line) {}

  void parse(Picked& picked) {
    expect('{');
    if (peek() == '}') return end();
    while (true) {
      const std::string name = text();
      expect(':');
      const char c = peek();
      if (c == '[' || c == '{' || c == '(') {
        skip_nested();
      } else {
        const bool is_text = quote_ahead();
        std::string value = is_text ? text() : word();
        if (is_text || (value != "None" && value != "null")) picked.set(name, std::move(value));
      }
      if (peek() == '}') return end();
      expect(',');
    }
  }

 private:
  [[noreturn]] void fail(const char* what) const { source_.fail_at(at_ + 1, what, line_); }
  char peek() {
    at_ = std::min(line_.find_first_not_of(" \t", at_), line_.size());
    return at_ < line_.size() ? line_[at_] : '\0';
  }
  void expect(char c) {
    if (peek() != c) fail(c == '{' ? "a dictionary {...} is needed" : "this is not a dictionary of one line");
    ++at_;
  }
  void end() {
    ++at_;
    if (peek() != '\0') fail("text behind the dictionary");
  }
  bool quote_ahead() {
    const char c = peek();
    const bool prefixed = (c == 'u' || c == 'b') && at_ + 1 < line_.size();
    const char quote = prefixed ? line_[at_ + 1] : c;
    return quote == '\'' || quote == '"';
  }
  std::string word() {
    const std::size_t end = std::min(line_.find_first_of(",}", at_), line_.size());
    std::string result(line_.substr(at_, end - at_));
    while (!result.empty() && result.back() == ' ') result.pop_back();
    at_ = end;
    return result;
  }
  std::string text() {
    if (!quote_ahead()) fail("a text in quotes is needed");
    if (line_[at_] == 'u' || line_[at_] == 'b') ++at_;
    const char quote = line_[at_++];
    std::string result;
    while (at_ < line_.size() && line_[at_] != quote) {
      if (line_[at_] == '\\') {
        escape(result);
      } else {
        result += line_[at_++];
      }
    }
    if (at_ == line_.size()) fail("the text does not end on its line");
    ++at_;
    return result;
  }
  void escape(std::string& out) {
    if (++at_ == line_.size()) fail("the text does not end on its line");
    const char c = line_[at_++];
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      std::uint32_t code = 0;
      const std::string_view hex = line_.substr(at_, digits);
      const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
      if (error != std::errc{} || hex.size() != digits || end != hex.data() + digits) fail("a broken escape");
      at_ += digits;
      if (c == 'u' && code >= 0xD800 && code < 0xDC00) code = joined(code);
      append_utf8(out, code);
    } else {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
  }
  /// JSON escapes characters of more than four digits as a pair. Given its first half, the whole character if
  /// the second half follows, else the half itself.
  std::uint32_t joined(std::uint32_t high) {
    const std::string_view next = line_.substr(at_, 6);
    std::uint32_t low = 0;
    if (next.size() < 6 || !next.starts_with("\\u") ||
        std::from_chars(next.data() + 2, next.data() + 6, low, 16).ptr != next.data() + 6 || low < 0xDC00 ||
        low > 0xDFFF) {
      return high;
    }
    at_ += 6;
    return 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00);
  }
  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t x) { out += static_cast<char>(x); };
    if ((code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) code = 0xFFFD;  // half of a pair, or none
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xC0 | code >> 6U), byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      byte(0xE0 | code >> 12U), byte(0x80 | (code >> 6U & 0x3F)), byte(0x80 | (code & 0x3F));
    } else {
      byte(0xF0 | (code >> 18U & 0x07)), byte(0x80 | (code >> 12U & 0x3F));
      byte(0x80 | (code >> 6U & 0x3F)), byte(0x80 | (code & 0x3F));
    }
  }
  void skip_nested() {
    int depth = 0;
    do {
      if (quote_ahead()) {
        text();
        continue;
      }
      const char c = peek();
      if (c == '\0') fail("this is not a dictionary of one line");
      depth += c == '[' || c == '{' || c == '(' ? 1 : c == ']' || c == '}' || c == ')' ? -1 : 0;
      ++at_;
    } while (depth > 0);
  }

  const LineSource& source_;
  std::string_view line_;
  std::size_t at_ = 0;
};

enum class Writing { json, python };

void parse_review(const LineSource& source, std::string_view line, Writing writing, Picked& picked) {
  picked.clear();
  if (writing == Writing::json) {
    parse_json(source, line, picked);
  } else {
    PythonDictionary(source, line).parse(picked);
  }
  if (!picked.twice().empty()) {
    source.fail_at(1, fmt::format("the key '{}' is there twice; leave one", picked.twice()), line);
  }
}

/// "u'" may be Python's or stand in a text ("you're").
Writing writing_of_steam(std::string_view line) {
  const bool like_json = line.starts_with("{\"") && line.find("\": ") != std::string_view::npos;
  const bool json = like_json && (line.find("u'") == std::string_view::npos || nlohmann::json::accept(line));
  return json ? Writing::json : Writing::python;
}

const std::string& needed(const LineSource& source, std::string_view line,
                          const std::optional<std::string>& value, const char* what) {
  if (!value || value->empty()) source.fail_at(1, fmt::format("there is no {}", what), line);
  return *value;
}

}  // namespace

void read_amazon_json(LineSource& source, RowSink& rows, bool with_rating) {
  Picked picked(
      {"reviewerID", "user_id", "asin", "parent_asin", "unixReviewTime", "timestamp", "overall", "rating"});
  TimeColumn times;
  rows.each_line(source, [&](std::string_view line) {
    parse_review(source, line, Writing::json, picked);
    const auto& user = needed(source, line, picked.first({0, 1}), "reviewerID (or user_id)");
    // parent_asin first: in files of 2023 it is the product, and asin a variant of it.
    const auto& item = needed(source, line, picked.first({3, 2}), "asin (or parent_asin)");
    const auto& when = needed(source, line, picked.first({4, 5}), "unixReviewTime (or timestamp)");
    const auto time = times.parse(source, when, 1, line);
    if (!time) source.fail_at(1, why_no_time(when), line);
    std::optional<double> rating;
    if (with_rating) {
      rating = parse_number(needed(source, line, picked.first({6, 7}), "overall (or rating)"));
      if (!rating) source.fail_at(1, "the rating is no number", line);
    }
    rows.add(user, item, time, rating);
  });
}

void read_steam(LineSource& source, RowSink& rows) {
  Picked picked({"username", "user_id", "product_id", "item_id", "date", "timestamp"});
  TimeColumn times;
  rows.each_line(source, [&](std::string_view line) {
    parse_review(source, line, writing_of_steam(line), picked);
    const auto& user = needed(source, line, picked.first({0, 1}), "username (or user_id)");
    const auto& item = needed(source, line, picked.first({2, 3}), "product_id (or item_id)");
    const auto& when = needed(source, line, picked.first({4, 5}), "date (or timestamp)");
    const auto time = times.parse(source, when, 1, line);
    if (!time) source.fail_at(1, why_no_time(when), line);
    rows.add(user, item, time, std::nullopt);
  });
}

}  // namespace lrurec::data
