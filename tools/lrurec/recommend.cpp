// lrurec recommend: the best next items for a known user, a list of items, or a file of requests.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <chrono>
#include <memory>
#include <stdexcept>

#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/recommender.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/util/json.h"
#include "lrurec/util/suggest.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/request_lines.h"
#include "tools/lrurec/setting_flags.h"

namespace lrurec::command {
namespace {

struct RecommendOptions {
  std::string run, data, checkpoint = "best", device = "cpu", until = "all", batch;
  std::optional<std::string> user;
  std::optional<std::vector<std::string>> items;
  std::vector<std::string> exclude;
  std::int64_t k = 10, threads = 0;
  bool include_seen = false, json = false;
};

/// One request as it was asked, and what of it was understood.
struct Asked {
  nlohmann::json echo = nlohmann::json::object();  ///< "id" and "user" of the request, for its answer
  serve::Request request;
  std::vector<std::string> unknown;  ///< ids that are not in the data set
  std::string error;                 ///< why there is no answer
};

class Desk {
 public:
  Desk(const RecommendOptions& options, const train::LoadedRun& run)
      : options_(options),
        data_(run.data),
        catalogue_(run.data),
        recommender_(*run.model, run.config.max_length) {}

  /// A user of the data set; unknown ones are an error.
  void ask_for_user(const std::string& raw, Asked& asked) const {
    const auto user = catalogue_.user(raw);
    if (!user) {
      asked.error =
          fmt::format("user '{}' is not in the data set, whose first is '{}'", raw, data_.user_name(0));
      return;
    }
    data::Items history = data_.sequence(*user);
    if (options_.until != "all") {
      const auto split = options_.until == "test" ? data::Split::test : data::Split::validation;
      if (!data_.evaluated(*user, split)) {
        asked.error = fmt::format("user '{}' has no {} item in the {} split", raw, options_.until,
                                  data_.protocol().split);
        return;
      }
      history = data_.history(*user, split);
    }
    asked.request.history.assign(history.begin(), history.end());
  }

  void ask_for_items(const std::vector<std::string>& raw, Asked& asked) const {
    asked.request.history = catalogue_.items(raw, asked.unknown);
    if (asked.request.history.empty() && !raw.empty()) {
      asked.error = fmt::format("none of the items is in the data set, whose first is '{}': {}",
                                data_.item_name(1), fmt::join(raw, ", "));
    }
  }

  void exclude(const std::vector<std::string>& raw, Asked& asked) const {
    const auto ids = catalogue_.items(raw, asked.unknown);
    asked.request.excluded.insert(asked.request.excluded.end(), ids.begin(), ids.end());
    if (options_.include_seen) return;
    asked.request.excluded.insert(asked.request.excluded.end(), asked.request.history.begin(),
                                  asked.request.history.end());
  }

  /// A line such as {"items": ["a", "b"], "k": 5}; what is wrong with it becomes the answer's error.
  Asked parse(const std::string& line) const {
    Asked asked;
    asked.request.k = options_.k;
    try {
      const auto json = util::parse_json(line);
      if (json.is_discarded()) throw std::invalid_argument("is not JSON");
      if (!json.is_object()) throw std::invalid_argument("is not a JSON object");
      for (const auto& [key, value] : json.items()) {
        const std::vector<std::string> known{"id", "user", "items", "k", "exclude"};
        if (std::find(known.begin(), known.end(), key) == known.end()) {
          throw std::invalid_argument(fmt::format("has a key '{}'{}", key, util::suggestion(key, known)));
        }
      }
      if (json.contains("id")) asked.echo["id"] = json["id"];
      if (json.contains("user") == json.contains("items")) {
        throw std::invalid_argument("must have either \"user\" or \"items\"");
      }
      if (json.contains("k")) asked.request.k = json["k"].get<std::int64_t>();
      if (asked.request.k < 1) throw std::invalid_argument("asks for fewer than one item");
      if (json.contains("user")) {
        asked.echo["user"] = json["user"];
        ask_for_user(raw_id(json["user"]), asked);
      } else {
        ask_for_items(raw_ids(json["items"]), asked);
      }
      exclude(json.contains("exclude") ? raw_ids(json["exclude"]) : options_.exclude, asked);
    } catch (const std::exception& e) {
      asked.error = fmt::format("the request {}", readable(e));
    }
    return asked;
  }

  std::vector<nlohmann::json> answer(const std::vector<Asked>& asked) const {
    std::vector<serve::Request> requests;
    for (const auto& one : asked) {
      if (one.error.empty()) requests.push_back(one.request);
    }
    const auto results = recommender_.recommend(requests);
    std::vector<nlohmann::json> answers;
    auto result = results.begin();
    for (const auto& one : asked) {
      nlohmann::json answer = one.echo;
      if (!one.error.empty()) {
        answer["error"] = one.error;
      } else {
        answer["seen"] = seen_text(options_.include_seen);
        answer["items"] = nlohmann::json::array();
        for (const auto& [item, score] : *result) {
          answer["items"].push_back({{"item", catalogue_.item_name(item)}, {"score", score}});
        }
        ++result;
      }
      if (!one.unknown.empty()) answer["unknown"] = one.unknown;
      answers.push_back(std::move(answer));
    }
    return answers;
  }

 private:
  /// Raw ids are text; numbers in a request are read as they are written.
  static std::string raw_id(const nlohmann::json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return value.dump();
    throw std::invalid_argument(fmt::format("has {} where an id belongs", util::printable(util::json_text(value))));
  }
  static std::vector<std::string> raw_ids(const nlohmann::json& values) {
    if (!values.is_array()) throw std::invalid_argument("has no list where one belongs");
    std::vector<std::string> ids;
    for (const auto& value : values) ids.push_back(raw_id(value));
    return ids;
  }
  static std::string readable(const std::exception& e) {
    if (dynamic_cast<const nlohmann::json::exception*>(&e) != nullptr) return "has a value of the wrong type";
    return e.what();
  }

  const RecommendOptions& options_;
  const data::Dataset& data_;
  serve::Catalogue catalogue_;
  serve::Recommender recommender_;
};

void run_batch(const RecommendOptions& options, const Desk& desk) {
  using Got = RequestLines::Got;
  RequestLines in(options.batch);
  std::int64_t failed = 0;
  std::vector<Asked> asked;
  const auto flush = [&] {
    for (const auto& answer : desk.answer(asked)) print_json(answer, -1);
    asked.clear();
    return flush_output() == 0;
  };
  std::string line;
  for (Got got = Got::nothing; got != Got::end;) {
    got = in.next(line, std::chrono::seconds(1));
    if (got == Got::line || got == Got::too_long) {
      asked.push_back(got == Got::line ? desk.parse(line) : Asked{});
      Asked& one = asked.back();
      if (got == Got::too_long) one.error = "the request has more than 1 MiB";
      if (!one.error.empty()) one.error = fmt::format("line {}: {}", in.line_number(), one.error);
      failed += one.error.empty() ? 0 : 1;
    }
    // Whoever sends a few requests and waits gets the answers.
    const bool idle = got == Got::nothing && !asked.empty();
    if ((asked.size() == 1024 || idle) && !flush()) return;
  }
  if (!flush()) return;
  if (failed > 0) {
    fail(ErrorKind::data, "{}: {} requests have no answer; their lines on stdout say why",
         options.batch == "-" ? "standard input" : options.batch, failed);
  }
}

void run_recommend(const RecommendOptions& options) {
  if (options.threads > 0) omp_set_num_threads(static_cast<int>(options.threads));
  const int ways = (options.user ? 1 : 0) + (options.items ? 1 : 0) + (options.batch.empty() ? 0 : 1);
  if (ways != 1) fail(ErrorKind::usage, "name one of --user, --items and --batch");
  const train::LoadedRun loaded = train::load_run(
      {options.run, options.data, options.checkpoint, require_device(Device::parse(options.device))});
  const Desk desk(options, loaded);
  if (!options.batch.empty()) return run_batch(options, desk);

  Asked asked;
  asked.request.k = options.k;
  if (options.user) {
    asked.echo["user"] = *options.user;
    desk.ask_for_user(*options.user, asked);
  } else {
    desk.ask_for_items(*options.items, asked);
  }
  if (!asked.error.empty()) fail(ErrorKind::data, "{}", asked.error);
  desk.exclude(options.exclude, asked);
  if (!asked.unknown.empty()) {
    warn("not in the data set and left out: {}", fmt::join(asked.unknown, ", "));
  }
  const nlohmann::json answer = desk.answer({asked}).front();
  if (options.json) {
    print_json(answer);
    return;
  }
  std::vector<std::vector<std::string>> rows{{"item", "score"}};
  for (const auto& item : answer["items"]) {
    rows.push_back({item["item"].get<std::string>(), fmt::format("{:.4f}", item["score"].get<double>())});
  }
  const auto seen = std::ssize(asked.request.history);
  print_out(
      "{} of {} items are read; {}\n{}",
      with_commas(std::min(seen, static_cast<std::ptrdiff_t>(loaded.config.max_length))), with_commas(seen),
      options.include_seen ? "all items are candidates, also those seen"
                           : "those seen are no candidates (--include-seen makes them so)",
      table(rows));
}

}  // namespace

void add_recommend(CLI::App& app) {
  auto options = std::make_shared<RecommendOptions>();
  CLI::App* sub = app.add_subcommand("recommend", "The best next items for a user or a list of items");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("--user", options->user, "a user of the data set, by raw id");
  sub->add_option("--items", options->items, "raw item ids, oldest first, separated by commas")
      ->delimiter(',');
  sub->add_option(
      "--batch", options->batch,
      "file of requests, - for standard input: JSON lines {\"user\": ID} or {\"items\": [ID, ...]}, "
      "with \"k\", \"exclude\", \"id\"; one JSON line out for each");
  sub->add_option("-k", options->k, "how many (default 10)")->check(CLI::Range(1, 1000000));
  add_seen_flags(*sub, options->include_seen);
  sub->add_option("--exclude", options->exclude, "without these raw item ids, separated by commas")
      ->delimiter(',');
  sub->add_option("--until", options->until,
                  "history of --user: all (default), or what precedes the test or val target")
      ->check(CLI::IsMember({"all", "test", "val"}));
  sub->add_option("--data", options->data, "data set file, if it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->add_option("--device", options->device, "cpu (default), cuda (the first GPU) or cuda:1");
  sub->add_option("--threads", options->threads, "CPU threads, 0 = all cores")->check(CLI::Range(0, 1024));
  sub->add_flag("--json", options->json, "print one JSON object");
  sub->callback([options] { run_recommend(*options); });
}

}  // namespace lrurec::command
