#include "lrurec/util/text.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <system_error>

namespace lrurec::util {
namespace {

/// The character that starts at `at`, and how many bytes it has; 0 bytes where they are no UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

Character character_at(std::string_view s, std::size_t at) {
  const auto byte = static_cast<unsigned char>(s[at]);
  if (byte < 0x80) return {byte, 1};
  const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
  std::uint32_t code = byte & (0xFFu >> (length + 1));
  if (byte < 0xC2 || byte > 0xF4 || at + length > s.size()) return {};
  for (std::size_t k = 1; k < length; ++k) {
    const auto next = static_cast<unsigned char>(s[at + k]);
    if ((next & 0xC0) != 0x80) return {};
    code = code << 6 | (next & 0x3Fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length};
}

bool turns_direction(std::uint32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool is_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_at(text, at).length;
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string from_latin1(std::string_view text) {
  std::string utf8;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xC0 | byte >> 6);
      utf8 += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return utf8;
}

std::string visible(std::string_view text, LineEnds ends) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, length] = character_at(text, at);
    const bool line_end = code == '\n' || code == '\t';
    if (length == 0) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
    } else if (line_end && ends == LineEnds::escape) {
      result += code == '\n' ? "\\n" : "\\t";
    } else if ((code < 0x20 && !line_end) || code == 0x7F) {
      result += fmt::format("\\x{:02x}", code);
    } else if ((code >= 0x80 && code < 0xA0) || turns_direction(code)) {
      result += fmt::format("\\u{:04x}", code);
    } else {
      result += text.substr(at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return result;
}

std::string printable(std::string_view text, std::size_t most) {
  const std::string result = visible(text.substr(0, most));
  return text.size() > most ? result + "..." : result;
}

std::string csv_cell(std::string_view text) {
  std::string cell(text);
  if (!text.empty() && std::string_view("=+-@\t\r'").find(text[0]) != std::string_view::npos &&
      !is_number(text)) {
    cell.insert(cell.begin(), '\'');
  }
  if (cell.find_first_of(",\"\n\r") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace lrurec::util
