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
  /// The items of data set user `number` (1..|U|) before the first event here, oldest first.
  using Histories = std::function<std::span<const std::int32_t>(std::int64_t number)>;

  /// `model` must outlive the store. `fingerprint`: of the model's weights; it is saved with the states,
  /// beside the model's settings. If `histories` is given, a user of the data set begins with the last `most`
  /// items of their own history, and counts all items of it as seen.
  SessionStore(const model::IncrementalModel& model, std::string fingerprint, bool exclude_seen,
               Histories histories = nullptr, std::int64_t most = 0);

  /// Takes events in their order. Each answer is as if its event had come alone. If the model
  /// has_fixed_bits(), events of different users share steps, and all events share the passes over the items.
  std::vector<AfterEvent> take(std::span<const Event> events);
  /// The user took an item (1..|I|). number: the user's in the data set, 1..|U|, 0: somebody else.
  void observe(const std::string& user, std::int32_t item, std::int64_t number = 0);
  /// The k best next items; with exclude_seen without those seen. The user must have had an event since the
  /// store was made or loaded.
  std::vector<model::Recommendation> recommend(const std::string& user, std::int64_t k) const;

  bool excludes_seen() const { return exclude_seen_; }
  std::size_t users() const { return sessions_.size(); }
  /// Number of a user's events, with those before a load. For a user without events here, the length of the
  /// history that the user will begin with (number: the user's in the data set).
  std::int64_t events(const std::string& user, std::int64_t number = 0) const;

  /// All states, atomically.
  void save(const std::filesystem::path& path) const;
  /// Loads the states of a file into an empty store. States of other weights or settings, damaged ones, and
  /// with exclude_seen a file without the items seen are ErrorKind::file; the store then stays empty. A
  /// missing file is ErrorKind::io.
  void load(const std::filesystem::path& path);

 private:
  struct User {
    model::Session session;
    std::int64_t events = 0;
    std::vector<std::int32_t> seen;  ///< sorted, each once
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
