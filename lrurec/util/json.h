#pragma once
// JSON and TOML from outside, read without trusting them; JSON for outside.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lrurec::util {

/// The value that a text holds; "discarded" (is_discarded()) if it is no JSON, or nests lists and objects
/// more than 64 deep, since code that walks such values overflows its stack.
nlohmann::json parse_json(std::string_view text);

/// A line of JSON that somebody sent.
struct SentJson {
  nlohmann::json value;  ///< discarded where the line is no JSON
  /// Why `value` may not be what was meant, to go on after "the line", or "". Either a name stands twice in
  /// an object, where the last one counts; or a number is larger than any double, or -0, which would be taken
  /// for 0, and becomes 1e308.
  std::string problem;
};
SentJson parse_sent_json(std::string_view text);

/// A value as JSON, in one line or with this indentation. Never fails and never carries a command to a
/// terminal: bytes that are no UTF-8 become U+FFFD, control characters and marks that turn the direction of
/// writing are escaped, which leaves the value the same.
std::string json_text(const nlohmann::json& value, int indent = -1);

/// Whether a TOML text has a name of so many parts (a.b.c...) that reading it could overflow the stack.
bool has_deep_toml_key(std::string_view text);

}  // namespace lrurec::util
