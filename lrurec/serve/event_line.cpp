#include "lrurec/serve/event_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "lrurec/util/json.h"
#include "lrurec/util/text.h"

namespace lrurec::serve {
namespace {

struct Event {
  std::string user, item;
  std::int64_t k;
};

Event parse(const std::string& line, std::int64_t k) {
  if (!line.starts_with('{')) return {"", line, k};
  const auto json = util::parse_json(line);
  if (json.is_discarded()) throw std::invalid_argument("this is not JSON");
  if (!json.contains("item")) throw std::invalid_argument("there is no \"item\"");
  Event event{json.contains("user") ? raw_id(json["user"]) : "", raw_id(json["item"]), k};
  if (json.contains("k")) {
    if (!json["k"].is_number_unsigned()) throw std::invalid_argument("\"k\" is not a whole number from 0 on");
    event.k = static_cast<std::int64_t>(std::min(json["k"].get<std::uint64_t>(), std::uint64_t{INT64_MAX}));
  }
  return event;
}

nlohmann::json answer(const Event& event, const Catalogue& catalogue, SessionStore& store) {
  nlohmann::json out = nlohmann::json::object();
  if (!event.user.empty()) out["user"] = event.user;
  const auto item = catalogue.item(event.item);
  if (!item) {
    out["error"] =
        fmt::format("item '{}' is not in the data set (whose first is '{}'); the event was left out",
                    util::printable(event.item), catalogue.item_name(1));
    out["events"] = store.events(event.user);
    return out;
  }
  const auto user = catalogue.user(event.user);
  store.observe(event.user, *item, user ? *user + 1 : 0);
  out["events"] = store.events(event.user);
  out["items"] = nlohmann::json::array();
  if (event.k == 0) return out;
  out["seen"] = seen_text(store.excludes_seen());
  for (const auto& [id, score] : store.recommend(event.user, event.k)) {
    out["items"].push_back(catalogue.describe(id));
    out["items"].back()["score"] = score;
  }
  return out;
}

}  // namespace

std::string raw_id(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  throw std::invalid_argument(fmt::format("{} is no id", util::printable(util::json_text(value))));
}

nlohmann::json answer_event(const std::string& line, std::int64_t k, const Catalogue& catalogue,
                            SessionStore& store) {
  try {
    return answer(parse(line, k), catalogue, store);
  } catch (const std::invalid_argument& e) {
    return {{"error", e.what()}};
  }
}

}  // namespace lrurec::serve
