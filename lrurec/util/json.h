#pragma once
// JSON and TOML from outside, read without trusting them; JSON for outside.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lrurec::util {

/// The value that a text holds; "discarded" (is_discarded()) where it is no JSON, or has lists or objects
/// within each other more than 64 deep: programs that walk such values overflow their stack.
nlohmann::json parse_json(std::string_view text);

/// A line of JSON that somebody sent.
struct SentJson {
  nlohmann::json value;  ///< discarded where the line is no JSON
  /// Why it would not be taken as it was meant, to go on after "the line", or "": a name that stands twice in
  /// an object (the last counts in `value`), a number that no double holds, and -0, which would be taken for
  /// 0 (both become 1e308).
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
