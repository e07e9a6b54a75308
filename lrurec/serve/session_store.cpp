#include "lrurec/serve/session_store.h"

#include <algorithm>
#include <functional>

#include "lrurec/config/config.h"
#include "lrurec/model/models.h"
#include "nn/optim/optimizer.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "nn/serialization/tensor_record.h"
#include "ops/shape/shape_ops.h"
#include "tensor/error.h"

namespace lrurec::serve {
namespace {

constexpr std::string_view file_kind = "sessions";
/// In version 1 the fingerprint is that of the weights alone.
constexpr std::uint32_t file_version = 2;
constexpr std::int64_t most_events = std::int64_t{1} << 53;  ///< of one user: no stream is longer

struct SavedUser {
  std::int64_t events = 0;
  std::vector<std::int32_t> seen;
  nn::TensorRecord state;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(events, seen, state);
  }
};

struct SavedSessions {
  std::string fingerprint;
  bool has_seen = false;
  std::map<std::string, SavedUser> users;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(fingerprint, has_seen, users);
  }
};

/// The model's own settings that are not the default ones, a line each: with them, equal weights make other
/// states. Settings of training alone are left out. A setting that a later version adds has a default that
/// leaves states as they are, so older files stay valid without a line for it.
std::string unusual_settings(const model::ModelConfig& config) {
  const config::TrainConfig own(config), usual;
  const auto& of_model = model::find_model(config.model).settings;
  std::string lines;
  for (const auto& setting : config::settings_of(own)) {
    if (std::ranges::find(of_model, setting.key) == of_model.end() || setting.key.ends_with("dropout"))
      continue;
    const std::string value = config::value_text(own, setting);
    if (value != config::value_text(usual, setting)) lines += "\n" + setting.key + " = " + value;
  }
  return lines;
}

}  // namespace

SessionStore::SessionStore(const model::IncrementalModel& model, std::string fingerprint, bool exclude_seen,
                           Histories histories, std::int64_t most)
    : model_(model),
      fingerprint_(std::move(fingerprint)),
      exclude_seen_(exclude_seen),
      histories_(std::move(histories)),
      most_(most) {}

SessionStore::User SessionStore::newcomer(std::int64_t number) const {
  User user{model::Session(model_, number), 0, {}};
  if (!histories_ || number == 0) return user;
  const auto items = histories_(number);
  for (const auto item : items.last(std::min(items.size(), static_cast<std::size_t>(most_)))) {
    user.session.observe(item);
  }
  user.events = std::ssize(items);
  user.seen.assign(items.begin(), items.end());
  std::sort(user.seen.begin(), user.seen.end());
  user.seen.erase(std::unique(user.seen.begin(), user.seen.end()), user.seen.end());
  return user;
}

SessionStore::User& SessionStore::user(const std::string& name, std::int64_t number) {
  const auto at = sessions_.find(name);
  if (at != sessions_.end()) return at->second;
  return sessions_.emplace(name, newcomer(number)).first->second;
}

void SessionStore::remember(User& user, std::int32_t item) {
  ++user.events;
  const auto at = std::lower_bound(user.seen.begin(), user.seen.end(), item);
  if (at == user.seen.end() || *at != item) user.seen.insert(at, item);
}

void SessionStore::observe(const std::string& name, std::int32_t item, std::int64_t number) {
  User& own = user(name, number);
  own.session.observe(item);
  remember(own, item);
}

std::vector<AfterEvent> SessionStore::take(std::span<const Event> events) {
  if (events.size() > 1 && model_.has_fixed_bits()) return take_together(events);
  std::vector<AfterEvent> answers;
  for (const Event& event : events) {
    observe(event.user, event.item, event.number);
    answers.push_back({this->events(event.user), {}});
    if (event.k > 0) answers.back().best = recommend(event.user, event.k);
  }
  return answers;
}

namespace {

/// Rows that wait for their best items.
class Scoring {
 public:
  Scoring(const model::IncrementalModel& model, std::vector<AfterEvent>& answers)
      : model_(model), answers_(answers) {}

  void add(std::size_t event, std::int64_t k, const Tensor& row, std::span<const std::int32_t> excluded) {
    k = std::min(k, model_.config().num_items);
    // As many results as fit in some tens of megabytes.
    constexpr std::int64_t most = std::int64_t{1} << 22;
    if (!rows_.empty() && (std::ssize(rows_) + 1) * std::max(k, k_) > most) finish();
    waiting_.push_back({event, k});
    rows_.push_back(row);
    excluded_.add(excluded);
    k_ = std::max(k, k_);
  }
  void finish() {
    if (rows_.empty()) return;
    const auto best = model_.top_k(ops::raw::concat(rows_, 0), k_, excluded_.classes());
    const auto ids = best.indices.to_vector<std::int64_t>();
    const auto scores = best.values.to(DType::f64).to_vector<double>();
    auto at = std::size_t{0};
    for (const auto& [event, k] : waiting_) {
      const auto end = at + static_cast<std::size_t>(k);
      for (std::size_t i = at; i < end && ids[i] >= 0; ++i)
        answers_[event].best.push_back({ids[i], scores[i]});
      at += static_cast<std::size_t>(k_);
    }
    waiting_.clear();
    rows_.clear();
    excluded_ = {};
    k_ = 0;
  }

 private:
  const model::IncrementalModel& model_;
  std::vector<AfterEvent>& answers_;
  std::vector<std::pair<std::size_t, std::int64_t>> waiting_;  ///< event and its k
  Tensors rows_;
  model::ExclusionList excluded_;
  std::int64_t k_ = 0;
};

/// The first event of each user, then the second ones, and so on.
std::vector<std::vector<std::size_t>> rounds_of(std::span<const Event> events) {
  std::vector<std::vector<std::size_t>> rounds;
  std::unordered_map<std::string_view, std::size_t> taken;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::size_t round = taken[events[i].user]++;
    if (round == rounds.size()) rounds.emplace_back();
    rounds[round].push_back(i);
  }
  return rounds;
}

}  // namespace

std::vector<AfterEvent> SessionStore::take_together(std::span<const Event> events) {
  std::vector<AfterEvent> answers(events.size());
  Scoring scoring(model_, answers);
  for (const auto& round : rounds_of(events)) {
    std::vector<User*> users;
    std::vector<model::Session*> sessions;
    std::vector<std::int64_t> items;
    for (const std::size_t i : round) {
      users.push_back(&user(events[i].user, events[i].number));
      sessions.push_back(&users.back()->session);
      items.push_back(events[i].item);
    }
    model::Session::observe_together(sessions, items);
    for (std::size_t u = 0; u < round.size(); ++u) {  // before anything that may fail
      remember(*users[u], events[round[u]].item);
    }
    for (std::size_t u = 0; u < round.size(); ++u) {
      const Event& event = events[round[u]];
      const User& own = *users[u];
      answers[round[u]].events = own.events;
      if (event.k == 0) continue;
      scoring.add(round[u], event.k, own.session.hidden(),
                  exclude_seen_ ? own.seen : std::span<const std::int32_t>{});
    }
  }
  scoring.finish();
  return answers;
}

std::vector<model::Recommendation> SessionStore::recommend(const std::string& user, std::int64_t k) const {
  const User& own = sessions_.at(user);
  return own.session.recommend(k, exclude_seen_ ? own.seen : std::span<const std::int32_t>{});
}

std::int64_t SessionStore::events(const std::string& user, std::int64_t number) const {
  const auto it = sessions_.find(user);
  if (it != sessions_.end()) return it->second.events;
  return histories_ && number > 0 ? std::ssize(histories_(number)) : 0;
}

void SessionStore::save(const std::filesystem::path& path) const {
  SavedSessions saved{fingerprint_ + unusual_settings(model_.config()), /*has_seen=*/true, {}};
  for (const auto& [name, user] : sessions_) {
    if (user.events == 0) continue;  // the first event failed
    saved.users.emplace(name, SavedUser{user.events, user.seen, nn::to_record(user.session.state())});
  }
  nn::write_envelope(path, file_kind, file_version, nn::to_bytes(saved));
}

void SessionStore::load(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::uint32_t version = 0;
  const auto saved =
      nn::from_bytes<SavedSessions>(nn::read_envelope(path, file_kind, file_version, &version), file);
  if (saved.fingerprint.substr(0, saved.fingerprint.find('\n')) != fingerprint_) {
    fail(ErrorKind::file, "{}: the states were made with other weights; start without them", file);
  }
  if (version > 1 && saved.fingerprint != fingerprint_ + unusual_settings(model_.config())) {
    fail(ErrorKind::file, "{}: the states were made with other settings of the model; start without them",
         file);
  }
  if (exclude_seen_ && !saved.has_seen) {
    fail(ErrorKind::file,
         "{}: the states were saved without the items that users have seen; start without them, or with "
         "--include-seen",
         file);
  }
  const Tensor wanted = model_.initial_state(1);
  const auto items = static_cast<std::int32_t>(model_.config().num_items);
  std::unordered_map<std::string, User> loaded;
  for (const auto& [name, user] : saved.users) {
    const bool rising =
        std::adjacent_find(user.seen.begin(), user.seen.end(), std::greater_equal<>()) == user.seen.end();
    const bool known = user.seen.empty() || (user.seen.front() >= 1 && user.seen.back() <= items);
    const Tensor state =
        nn::from_record(user.state, "the state of user '" + name + "'", wanted.dtype(), wanted.shape());
    if (user.events < 1 || user.events > most_events || !rising || !known ||
        nn::first_non_finite(state) >= 0) {
      fail(ErrorKind::file, "{}: the session of user '{}' is damaged; start without the file or use a backup",
           file, name);
    }
    User own{model::Session(model_), user.events, user.seen};
    own.session.set_state(state);
    loaded.emplace(name, std::move(own));
  }
  sessions_ = std::move(loaded);
}

}  // namespace lrurec::serve
