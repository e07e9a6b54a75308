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
  std::vector<std::string> exclude;  ///< items left out of every answer, beside those that a request names
  std::int64_t k = 10;               ///< of requests that name none
  bool include_seen = false;         ///< items of the history are candidates too
  bool ignore_unknown = false;       ///< other keys of a request are left out; otherwise they are its error
};

/// One request: what was asked, and what was understood.
struct Asked {
  /// The request's "id" and "user", which its answer repeats, also if that is an error.
  nlohmann::json echo = nlohmann::json::object();
  Request request;
  std::vector<std::string> unknown;  ///< ids that are not in the data set
  std::string error;                 ///< why there is no answer
};

/// The data set and the model must outlive it.
class Desk {
 public:
  Desk(const data::Dataset& data, const model::Model& model, DeskOptions options);

  /// Take the history of a user of the data set, or a list of items. An unknown user is the error. Unknown
  /// items go to `unknown`, and are the error if no item is known.
  void ask_for_user(const std::string& raw, Asked& asked) const;
  void ask_for_items(const std::vector<std::string>& raw, Asked& asked) const;
  /// Leaves these items out of the answer, and without include_seen those of the history too.
  void exclude(const std::vector<std::string>& raw, Asked& asked) const;

  /// Reads a line {"user": ID} or {"items": [ID, ...]}, with "k", "exclude" and "id" if it likes. Whatever is
  /// wrong with it becomes the error; nothing is thrown.
  Asked parse(const std::string& line) const;
  /// The same for many lines, by all threads.
  std::vector<Asked> parse(std::span<const std::string> lines) const;

  /// In the order asked: {"items": [{"item": ID, "score": 1.5}, ...], "seen": "excluded"} or {"error": WHY},
  /// with the echo and "unknown".
  std::vector<nlohmann::json> answer(const std::vector<Asked>& asked) const;
  /// The same as lines without line ends, written by all threads and given to `out` in order, in groups of at
  /// most most_results items (some tens of megabytes of text) or of one answer.
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
