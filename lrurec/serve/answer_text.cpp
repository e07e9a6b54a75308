#include "lrurec/serve/answer_text.h"

#include <algorithm>

#include "lrurec/util/json.h"

namespace lrurec::serve {

void append_json(std::string& out, std::string_view text) {
  const auto as_it_is = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (!std::all_of(text.begin(), text.end(), as_it_is)) {
    out += util::json_text(text);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void append_json(std::string& out, std::span<const model::Recommendation> items, const Catalogue& catalogue) {
  out += '[';
  for (const auto& [item, score] : items) {
    if (out.back() != '[') out += ',';
    out += R"({"item":)";
    append_json(out, catalogue.item_name(item));
    out += R"(,"score":)";
    out += nlohmann::json(score).dump();
    if (const auto title = catalogue.item_title(item); !title.empty()) {
      out += R"(,"title":)";
      append_json(out, title);
    }
    out += '}';
  }
  out += ']';
}

}  // namespace lrurec::serve
