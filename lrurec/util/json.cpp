#include "lrurec/util/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <vector>

#include "lrurec/util/text.h"

namespace lrurec::util {
namespace {

constexpr int most_depth = 64;

/// Where the string ends that begins with the quote at `at`: its closing quote, or the end of the text.
std::size_t end_of_json_string(std::string_view text, std::size_t at) {
  std::size_t i = at + 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\') ++i;
  }
  return std::min(i, text.size());
}

/// Whether brackets outside of strings are open more than most_depth deep at some place.
bool is_deep(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      i = end_of_json_string(text, i);
    } else if (c == '[' || c == '{') {
      if (++depth > most_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// The text with 1e308 in the place of two kinds of numbers: those larger than any double, for which the
/// parser refuses the whole text, and -0, which it takes for 0. `problem` then tells of one.
std::string with_numbers_that_fit(std::string_view text, std::string& problem) {
  std::string fitting;
  fitting.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (text[i] == '"') {
      end = std::min(end_of_json_string(text, i) + 1, text.size());
    } else if (text[i] == '-' || (text[i] >= '0' && text[i] <= '9')) {
      end = std::min(text.find_first_not_of("0123456789+-.eE", i), text.size());
      const std::string number(text.substr(i, end - i));
      const bool too_large = std::isinf(std::strtod(number.c_str(), nullptr));
      if (too_large || number == "-0") {
        problem = too_large ? "has a number that is too large" : "has the number -0; write an id as text";
        fitting += "1e308";
        i = end;
        continue;
      }
    }
    fitting += text.substr(i, end - i);
    i = end;
  }
  return fitting;
}

/// Writes characters that JSON may carry as they are, but a terminal should not get, as \uXXXX escapes. They
/// stand only within strings here, and beyond ASCII they are just those that visible() escapes.
std::string escape_marks(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (std::size_t i = 0; i < json.size();) {
    const auto byte = static_cast<unsigned char>(json[i]);
    const std::size_t length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    const std::string_view character = std::string_view(json).substr(i, length);
    if (byte == 0x7F) {
      safe += "\\u007f";
    } else if (byte < 0x80) {
      safe += static_cast<char>(byte);
    } else {
      safe += visible(character);
    }
    i += length;
  }
  return safe;
}

}  // namespace

nlohmann::json parse_json(std::string_view text) {
  if (is_deep(text)) return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

SentJson parse_sent_json(std::string_view text) {
  SentJson sent{nlohmann::json(nlohmann::json::value_t::discarded), ""};
  if (is_deep(text)) return sent;
  const std::string fitting = with_numbers_that_fit(text, sent.problem);
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto keep = [&](int /*depth*/, nlohmann::json::parse_event_t event, const nlohmann::json& name) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.back().insert(name.get<std::string>()).second) {
      sent.problem = fmt::format("has {} twice", json_text(name));
    }
    return true;
  };
  sent.value = nlohmann::json::parse(fitting, keep, /*allow_exceptions=*/false);
  return sent;
}

std::string json_text(const nlohmann::json& value, int indent) {
  return escape_marks(
      value.dump(indent, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace));
}

namespace {

/// Where the text ends that begins with the quote at `at`: its closing quote, or the end of the line.
std::size_t end_of_toml_text(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  if (text.substr(at).starts_with(three)) {  // over several lines
    for (std::size_t i = at + 3; i < text.size(); ++i) {
      if (quote == '"' && text[i] == '\\') {
        ++i;
      } else if (text.substr(i).starts_with(three)) {
        // One or two more before the closing three are quotes of the text itself.
        const std::size_t after = std::min(text.find_first_not_of(quote, i), text.size());
        return std::min(after, i + 5) - 1;
      }
    }
    return text.size() - 1;
  }
  std::size_t i = at + 1;
  for (; i < text.size() && text[i] != quote && text[i] != '\n'; ++i) {
    if (quote == '"' && text[i] == '\\') ++i;
  }
  return std::min(i, text.size() - 1);
}

}  // namespace

bool has_deep_toml_key(std::string_view text) {
  int parts = 0;
  char before = '\n';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\t') continue;
    if (c == '"' || c == '\'') i = end_of_toml_text(text, i);
    if (c == '#') i = std::min(text.find('\n', i), text.size()) - 1;
    if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) parts = 0;
    if (c == '.' && before != '.' && ++parts > most_depth) return true;
    before = c;
  }
  return false;
}

}  // namespace lrurec::util
