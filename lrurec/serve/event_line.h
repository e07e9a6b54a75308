#pragma once
// An event of a stream as a line, and the line that answers it.

#include <nlohmann/json.hpp>
#include <string>

#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/session_store.h"

namespace lrurec::serve {

/// Takes the event of a line, {"user": ID, "item": ID} with an optional "k", or a raw item id alone (the user
/// has then no name), and answers with the number of events and the k best next items, k being the line's or
/// the one given:
/// {"user": ID, "events": 3, "items": [{"item": ID, "score": 1.5}, ...], "seen": "excluded"}. A line that
/// cannot be used is answered by {"error": WHY}, whatever it holds, and changes no state.
nlohmann::json answer_event(const std::string& line, std::int64_t k, const Catalogue& catalogue,
                            SessionStore& store);

/// What an answer says of the items that its user has had: "included" or "excluded" from the candidates.
inline const char* seen_text(bool excluded) { return excluded ? "excluded" : "included"; }

/// A raw id in JSON: text, or a whole number as it is written. Anything else is std::invalid_argument.
std::string raw_id(const nlohmann::json& value);

}  // namespace lrurec::serve
