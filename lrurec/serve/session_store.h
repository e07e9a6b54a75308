#pragma once
// Sessions of many users, event by event, and the file in which they wait for the next start.

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "lrurec/model/session.h"

namespace lrurec::serve {

/// A user took an item.
struct Event {
  std::string user;
  std::int32_t item = 0;    ///< 1..|I|
  std::int64_t number = 0;  ///< the user's in the data set, 1..|U|, 0: somebody else
  std::int64_t k = 0;       ///< how many of the best next items are wanted after it
};

/// What is known after it.
struct AfterEvent {
  std::int64_t events = 0;  ///< of the user
  std::vector<model::Recommendation> best;
};

/// Users of a live stream: what each did is one state of a fixed size and a list of the items seen, so that
/// an event costs the same after ten events as after ten thousand.
class SessionStore {
 public:
  /// What users had done before their first event here: of number 1..|U|, oldest first.
  using Histories = std::function<std::span<const std::int32_t>(std::int64_t number)>;

  /// model: of the sessions; must outlive the store. fingerprint: of its weights, which its states are kept
  /// with, beside its settings. Where `histories` are
  /// given, a user of the data set begins with the last `most` items of the own one, and has seen them all.
  SessionStore(const model::IncrementalModel& model, std::string fingerprint, bool exclude_seen,
               Histories histories = nullptr, std::int64_t most = 0);

  /// Events in their order, and the answer to each as if it had come alone. Those of different users share
  /// steps, and all share the passes over the items, where the model has_fixed_bits().
  std::vector<AfterEvent> take(std::span<const Event> events);
  /// The user took an item (1..|I|). number: the user's in the data set, 1..|U|, 0: somebody else.
  void observe(const std::string& user, std::int32_t item, std::int64_t number = 0);
  /// The k best next items; with exclude_seen without those seen. The user must have had an event since the
  /// store was made or loaded.
  std::vector<model::Recommendation> recommend(const std::string& user, std::int64_t k) const;

  bool excludes_seen() const { return exclude_seen_; }
  std::size_t users() const { return sessions_.size(); }
  /// Events of a user, those before a load included; of one that has none yet those to begin with (number:
  /// the user's in the data set).
  std::int64_t events(const std::string& user, std::int64_t number = 0) const;

  /// All states, atomically.
  void save(const std::filesystem::path& path) const;
  /// Takes the states of a file into a store in which none is yet. States of other weights or settings,
  /// damaged ones, and those without the items seen where these are to be left out, are ErrorKind::file; the
  /// store is then empty.
  void load(const std::filesystem::path& path);

 private:
  struct User {
    model::Session session;
    std::int64_t events = 0;
    std::vector<std::int32_t> seen;  ///< sorted, different
  };
  User& user(const std::string& name, std::int64_t number);
  static void remember(User& user, std::int32_t item);
  User newcomer(std::int64_t number) const;
  std::vector<AfterEvent> take_together(std::span<const Event> events);

  const model::IncrementalModel& model_;
  std::string fingerprint_;
  bool exclude_seen_;
  Histories histories_;
  std::int64_t most_;
  std::unordered_map<std::string, User> sessions_;
};

}  // namespace lrurec::serve
