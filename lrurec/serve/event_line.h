#pragma once
// Events of a stream as lines, and the lines that answer them.

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/session_store.h"

namespace lrurec::serve {

/// The line that answers a line, without its end.
struct EventAnswer {
  std::string line;
  bool failed = false;  ///< it reports an error
};

struct EventOptions {
  std::int64_t k = 10;          ///< of events that name none
  bool ignore_unknown = false;  ///< other keys than an event's are left out; otherwise they are an error
};

/// Takes the events of lines in their order. A line is {"user": ID, "item": ID} with an optional "k", or a
/// raw item id alone, whose user has no name. The answer has the user's number of events and the k best next
/// items:
///
///   {"user": ID, "events": 3, "items": [{"item": ID, "score": 1.5}, ...], "seen": "excluded"}
///
/// A line that cannot be used, whatever it holds, is answered by {"error": WHY} and changes no state. The
/// answers are the same as if the lines came one by one. They are given to `out` in order, in groups of at
/// most most_results items (some tens of megabytes of text) or of one answer.
void answer_events(std::span<const std::string> lines, const EventOptions& options,
                   const Catalogue& catalogue, SessionStore& store,
                   const std::function<void(const EventAnswer&)>& out,
                   std::int64_t most_results = std::int64_t{1} << 18);

/// What an answer says about the items that its user has had: "included" or "excluded" from the candidates.
inline const char* seen_text(bool excluded) { return excluded ? "excluded" : "included"; }

/// A raw id in JSON: text, or a whole number as it is written. Anything else is std::invalid_argument.
std::string raw_id(const nlohmann::json& value);

}  // namespace lrurec::serve
