#include "lrurec/serve/desk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "lrurec/model/models.h"
#include "lrurec/serve/answer_text.h"
#include "lrurec/serve/event_line.h"
#include "lrurec/util/json.h"
#include "lrurec/util/text.h"
#include "tensor/parallel_errors.h"

namespace lrurec::serve {
namespace {

/// raw_id, with a complaint that continues "the request".
std::string id_of(const nlohmann::json& value) {
  try {
    return raw_id(value);
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(fmt::format("is wrong: {}", e.what()));
  }
}

std::vector<std::string> raw_ids(const nlohmann::json& values) {
  if (!values.is_array()) throw std::invalid_argument("has no list where one belongs");
  std::vector<std::string> ids;
  for (const auto& value : values) ids.push_back(id_of(value));
  return ids;
}

/// Ids as a message has them: in one line, whatever they hold.
std::string listed(const std::vector<std::string>& raw) {
  return util::visible(fmt::format("{}", fmt::join(raw, ", ")));
}

/// Whether an id is or contains a number with more digits than a double holds.
bool loses_digits(const nlohmann::json& id) {
  constexpr double exact = 9007199254740992;  // 2^53
  if (id.is_structured()) return std::any_of(id.begin(), id.end(), loses_digits);
  return id.is_number_float() && std::abs(id.get<double>()) > exact;
}

std::string readable(const std::exception& e) {
  if (dynamic_cast<const nlohmann::json::exception*>(&e) != nullptr) return "has a value of the wrong type";
  return e.what();
}

}  // namespace

Desk::Desk(const data::Dataset& data, const model::Model& model, DeskOptions options)
    : data_(data),
      options_(std::move(options)),
      catalogue_(data),
      recommender_(model, options_.max_length),
      about_(model.info()) {}

void Desk::ask_for_user(const std::string& raw, Asked& asked) const {
  const auto user = catalogue_.user(raw);
  if (!user) {
    asked.error = fmt::format("user '{}' is not in the data set, whose first is '{}'", util::visible(raw),
                              util::visible(data_.user_name(0)));
    return;
  }
  asked.request.user = *user + 1;
  data::Items history = data_.sequence(*user);
  if (options_.until != "all") {
    const auto split = options_.until == "test" ? data::Split::test : data::Split::validation;
    if (!data_.evaluated(*user, split)) {
      asked.error = fmt::format("user '{}' has no {} item in the {} split", util::visible(raw),
                                options_.until, data_.protocol().split);
      return;
    }
    history = data_.history(*user, split);
  }
  asked.request.history.assign(history.begin(), history.end());
}

void Desk::ask_for_items(const std::vector<std::string>& raw, Asked& asked) const {
  if (about_.needs_users) {
    asked.error = fmt::format(
        "{} has a vector for each user of its data set and can say nothing of others, so it has no answer to "
        "items alone; ask for a user",
        about_.title);
    return;
  }
  asked.request.history = catalogue_.items(raw, asked.unknown);
  if (asked.request.history.empty() && !raw.empty()) {
    asked.error = fmt::format("none of the items is in the data set, whose first is '{}': {}",
                              util::visible(data_.item_name(1)), listed(raw));
  }
}

void Desk::exclude(const std::vector<std::string>& raw, Asked& asked) const {
  const auto ids = catalogue_.items(raw, asked.unknown);
  asked.request.excluded.insert(asked.request.excluded.end(), ids.begin(), ids.end());
  if (options_.include_seen) return;
  asked.request.excluded.insert(asked.request.excluded.end(), asked.request.history.begin(),
                                asked.request.history.end());
}

Asked Desk::parse(const std::string& line) const {
  Asked asked;
  asked.request.k = options_.k;
  try {
    const auto [json, problem] = util::parse_sent_json(line);
    if (json.is_discarded()) throw std::invalid_argument("is not JSON");
    if (!json.is_object()) throw std::invalid_argument("is not a JSON object");
    // Before anything can be wrong: whoever asked must know which answer this is.
    const bool lost = json.contains("id") && loses_digits(json["id"]);
    if (json.contains("id") && !lost) asked.echo["id"] = json["id"];
    if (json.contains("user") && (json["user"].is_string() || json["user"].is_number_integer())) {
      asked.echo["user"] = raw_id(json["user"]);
    }
    if (!problem.empty()) throw std::invalid_argument(problem);
    if (lost) throw std::invalid_argument("has an \"id\" of too many digits for a number; write it as text");
    static const std::vector<std::string> known{"id", "user", "items", "k", "exclude"};
    for (const auto& [key, value] : json.items()) {
      if (options_.ignore_unknown || std::find(known.begin(), known.end(), key) != known.end()) continue;
      throw std::invalid_argument(
          fmt::format("has an unknown key \"{}\"; there are \"{}\" (--ignore-unknown leaves out others)",
                      util::printable(key), fmt::join(known, "\", \"")));
    }
    if (json.contains("user") == json.contains("items")) {
      throw std::invalid_argument("must have either \"user\" or \"items\"");
    }
    if (json.contains("k")) {
      if (!json["k"].is_number_unsigned())
        throw std::invalid_argument("has a \"k\" that is no whole number from 1 on");
      asked.request.k =
          static_cast<std::int64_t>(std::min(json["k"].get<std::uint64_t>(), std::uint64_t{INT64_MAX}));
    }
    if (asked.request.k < 1) throw std::invalid_argument("asks for fewer than one item");
    if (json.contains("user")) {
      ask_for_user(id_of(json["user"]), asked);
    } else {
      if (options_.until != "all") {
        throw std::invalid_argument(
            "has \"items\", and --until cuts the history of a user of the data set alone");
      }
      ask_for_items(raw_ids(json["items"]), asked);
    }
    std::vector<std::string> excluded = options_.exclude;
    if (json.contains("exclude")) std::ranges::move(raw_ids(json["exclude"]), std::back_inserter(excluded));
    exclude(excluded, asked);
  } catch (const std::exception& e) {
    asked.error = fmt::format("the request {}", readable(e));
  }
  return asked;
}

std::vector<Asked> Desk::parse(std::span<const std::string> lines) const {
  std::vector<Asked> asked(lines.size());
  ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 16)
  for (std::size_t i = 0; i < lines.size(); ++i) errors.attempt([&] { asked[i] = parse(lines[i]); });
  errors.rethrow();
  return asked;
}

std::vector<std::vector<Recommendation>> Desk::recommend(std::span<const Asked> asked) const {
  std::vector<Request> requests;
  for (const auto& one : asked) {
    if (one.error.empty()) requests.push_back(one.request);
  }
  auto results = recommender_.recommend(requests);
  std::vector<std::vector<Recommendation>> all(asked.size());
  auto result = results.begin();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].error.empty()) all[i] = std::move(*result++);
  }
  return all;
}

nlohmann::json Desk::answer(const Asked& asked, std::span<const Recommendation> items) const {
  nlohmann::json answer = asked.echo;
  if (!asked.error.empty()) {
    answer["error"] = asked.error;
  } else {
    answer["seen"] = seen_text(!options_.include_seen);
    answer["items"] = nlohmann::json::array();
    for (const auto& [item, score] : items) {
      answer["items"].push_back(catalogue_.describe(item));
      answer["items"].back()["score"] = score;
    }
  }
  if (!asked.unknown.empty()) answer["unknown"] = asked.unknown;
  return answer;
}

/// The list of items is written by hand, since it is most of the text.
std::string Desk::answer_line(const Asked& asked, std::span<const Recommendation> items) const {
  if (!asked.error.empty()) return util::json_text(answer(asked, items));
  std::string line = "{";
  if (asked.echo.contains("id")) line += "\"id\":" + util::json_text(asked.echo["id"]) + ",";
  line += "\"items\":";
  append_json(line, items, catalogue_);
  line += ",\"seen\":";
  append_json(line, seen_text(!options_.include_seen));
  if (!asked.unknown.empty()) line += ",\"unknown\":" + util::json_text(asked.unknown);
  if (asked.echo.contains("user")) line += ",\"user\":" + util::json_text(asked.echo["user"]);
  return line + "}";
}

std::vector<nlohmann::json> Desk::answer(const std::vector<Asked>& asked) const {
  const auto items = recommend(asked);
  std::vector<nlohmann::json> answers;
  for (std::size_t i = 0; i < asked.size(); ++i) answers.push_back(answer(asked[i], items[i]));
  return answers;
}

void Desk::answer_lines(std::span<const Asked> asked, const std::function<void(const std::string&)>& out,
                        std::int64_t most_results) const {
  const auto results_of = [&](const Asked& one) {
    return one.error.empty() ? std::min(one.request.k, catalogue_.num_items()) : 0;
  };
  while (!asked.empty()) {
    std::size_t n = 0;
    for (std::int64_t results = 0; n < asked.size(); ++n) {
      results += results_of(asked[n]);
      if (n > 0 && results > most_results) break;
    }
    const auto some = asked.first(n);
    const auto items = recommend(some);
    std::vector<std::string> lines(n);
    ParallelErrors errors;
#pragma omp parallel for schedule(dynamic, 16)
    for (std::size_t i = 0; i < n; ++i) {
      errors.attempt([&] { lines[i] = answer_line(some[i], items[i]); });
    }
    errors.rethrow();
    for (const auto& line : lines) out(line);
    asked = asked.subspan(n);
  }
}

}  // namespace lrurec::serve
