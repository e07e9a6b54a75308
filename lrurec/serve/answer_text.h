#pragma once
// JSON text of an answer's items, its longest part: what util::json_text makes of the object, without making
// the object.

#include <span>
#include <string>

#include "lrurec/model/recommendation.h"
#include "lrurec/serve/catalogue.h"

namespace lrurec::serve {

/// Adds a string in quotes.
void append_json(std::string& out, std::string_view text);
/// Adds [{"item": ID, "score": 1.5}, ...], with "title" where items have one.
void append_json(std::string& out, std::span<const model::Recommendation> items, const Catalogue& catalogue);

}  // namespace lrurec::serve
