#pragma once
// Requests for recommendations, as raw ids or as lines of JSON, and their answers.

#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "lrurec/data/dataset.h"
#include "lrurec/serve/catalogue.h"
#include "lrurec/serve/recommender.h"

namespace lrurec::serve {

struct DeskOptions {
  std::int64_t max_length = 0;  ///< L of the model
  std::string until =
      "all";  ///< which part of a user's history is read: all, or what precedes "test" or "val"
  std::vector<std::string> exclude;  ///< of every request, beside those that it names
  std::int64_t k = 10;               ///< of requests that name none
  bool include_seen = false;         ///< items of the history are candidates too
};

/// One request as it was asked, and what of it was understood.
struct Asked {
  /// "id" and "user" of the request, for its answer, also where that is an error.
  nlohmann::json echo = nlohmann::json::object();
  Request request;
  std::vector<std::string> unknown;  ///< ids that are not in the data set
  std::string error;                 ///< why there is no answer
};

/// The data set and the model must outlive it.
class Desk {
 public:
  Desk(const data::Dataset& data, const model::Model& model, DeskOptions options);

  /// A user of the data set, or a list of items; what is not known becomes the error, or `unknown`.
  void ask_for_user(const std::string& raw, Asked& asked) const;
  void ask_for_items(const std::vector<std::string>& raw, Asked& asked) const;
  /// Items that must not come back, and those seen where they are no candidates.
  void exclude(const std::vector<std::string>& raw, Asked& asked) const;

  /// A line {"user": ID} or {"items": [ID, ...]}, with "k", "exclude" and "id" as it likes. What is wrong
  /// with it, whatever it holds, becomes the error.
  Asked parse(const std::string& line) const;
  /// Many lines, by all threads.
  std::vector<Asked> parse(std::span<const std::string> lines) const;

  /// In the order asked: {"items": [{"item": ID, "score": 1.5}, ...], "seen": "excluded"} or {"error": WHY},
  /// with the echo and "unknown".
  std::vector<nlohmann::json> answer(const std::vector<Asked>& asked) const;
  /// The same as lines without their ends, written by all threads and given to `out` in order, as soon as
  /// they hold most_results items: some tens of megabytes of text.
  void answer_lines(std::span<const Asked> asked, const std::function<void(const std::string&)>& out,
                    std::int64_t most_results = std::int64_t{1} << 18) const;

 private:
  /// One list for each, empty where there is an error.
  std::vector<std::vector<Recommendation>> recommend(std::span<const Asked> asked) const;
  nlohmann::json answer(const Asked& asked, std::span<const Recommendation> items) const;
  std::string answer_line(const Asked& asked, std::span<const Recommendation> items) const;

  const data::Dataset& data_;
  DeskOptions options_;
  Catalogue catalogue_;
  Recommender recommender_;
  const model::ModelInfo& about_;
};

}  // namespace lrurec::serve
