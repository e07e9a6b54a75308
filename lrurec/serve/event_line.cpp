#include "lrurec/serve/event_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "lrurec/serve/answer_text.h"
#include "lrurec/util/json.h"
#include "lrurec/util/text.h"

namespace lrurec::serve {
namespace {

struct ParsedEvent {
  std::string user, item;
  std::int64_t k;
};

/// `user` is set as soon as it is known, so that an error can name it.
ParsedEvent parse(const std::string& line, const EventOptions& options, std::string& user) {
  const std::size_t begin = std::min(
      line.find_first_not_of(line.starts_with("\xEF\xBB\xBF") ? "\xEF\xBB\xBF \t" : " \t"), line.size());
  if (begin == line.size() || line[begin] != '{') return {"", line, options.k};
  const auto [json, problem] = util::parse_sent_json(line.substr(begin));
  if (json.is_discarded()) throw std::invalid_argument("this is not JSON");
  if (!problem.empty()) {
    if (json.contains("user") && (json["user"].is_string() || json["user"].is_number_integer())) {
      user = raw_id(json["user"]);
    }
    throw std::invalid_argument("the event " + problem);
  }
  if (json.contains("user") && (user = raw_id(json["user"])).empty()) {
    throw std::invalid_argument("\"user\" is empty; leave it out for events of one user without a name");
  }
  for (const auto& [key, value] : json.items()) {
    if (options.ignore_unknown || key == "user" || key == "item" || key == "k") continue;
    throw std::invalid_argument(fmt::format(
        "unknown key \"{}\"; an event has \"user\", \"item\" and \"k\" (--ignore-unknown leaves out others)",
        util::printable(key)));
  }
  if (!json.contains("item")) throw std::invalid_argument("there is no \"item\"");
  ParsedEvent event{user, raw_id(json["item"]), options.k};
  if (json.contains("k")) {
    if (!json["k"].is_number_unsigned()) throw std::invalid_argument("\"k\" is not a whole number from 0 on");
    event.k = static_cast<std::int64_t>(std::min(json["k"].get<std::uint64_t>(), std::uint64_t{INT64_MAX}));
  }
  return event;
}

std::string answer(const Event& event, const AfterEvent& after, const Catalogue& catalogue,
                   bool excludes_seen) {
  std::string line = fmt::format("{{\"events\":{},\"items\":", after.events);
  append_json(line, after.best, catalogue);
  if (event.k > 0) {
    line += ",\"seen\":";
    append_json(line, seen_text(excludes_seen));
  }
  if (!event.user.empty()) {
    line += ",\"user\":";
    append_json(line, event.user);
  }
  return line + "}";
}

}  // namespace

std::string raw_id(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  throw std::invalid_argument(
      fmt::format("{} stands where an id is needed", util::printable(util::json_text(value))));
}

void answer_events(std::span<const std::string> lines, const EventOptions& options,
                   const Catalogue& catalogue, SessionStore& store,
                   const std::function<void(const EventAnswer&)>& out, std::int64_t most_results) {
  std::vector<EventAnswer> answers;
  std::vector<Event> events;
  std::vector<std::size_t> places;                           // where each event's answer stands in `answers`
  std::unordered_map<std::string, std::int64_t> new_events;  // how many of `events` each user has
  std::int64_t results = 0;
  const auto hand_out = [&] {
    const auto after = store.take(events);
    for (std::size_t i = 0; i < events.size(); ++i) {
      answers[places[i]] = {answer(events[i], after[i], catalogue, store.excludes_seen()), /*failed=*/false};
    }
    for (const auto& one : answers) out(one);
    answers.clear(), events.clear(), places.clear(), new_events.clear();
    results = 0;
  };
  for (const std::string& line : lines) {
    nlohmann::json error;
    std::string named;
    try {
      const ParsedEvent parsed = parse(line, options, named);
      const auto user = catalogue.user(parsed.user);
      const std::int64_t number = user ? *user + 1 : 0;
      if (const auto item = catalogue.item(parsed.item)) {
        const std::int64_t more = std::min(parsed.k, catalogue.num_items());
        if (results + more > most_results && !events.empty()) hand_out();
        events.push_back({parsed.user, *item, number, parsed.k});
        places.push_back(answers.size());
        answers.emplace_back();
        ++new_events[parsed.user];
        results += more;
        continue;
      }
      if (!parsed.user.empty()) error["user"] = parsed.user;
      error["error"] =
          fmt::format("item '{}' is not in the data set (whose first is '{}'); the event was left out",
                      util::printable(parsed.item), util::printable(catalogue.item_name(1)));
      error["events"] = store.events(parsed.user, number) + new_events[parsed.user];
    } catch (const std::invalid_argument& e) {
      error = {{"error", e.what()}};
      if (!named.empty()) error["user"] = named;
    }
    answers.push_back({util::json_text(error), /*failed=*/true});
  }
  hand_out();
}

}  // namespace lrurec::serve
