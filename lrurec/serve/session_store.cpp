#include "lrurec/serve/session_store.h"

#include <algorithm>
#include <functional>

#include "nn/optim/optimizer.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "nn/serialization/tensor_record.h"
#include "tensor/error.h"

namespace lrurec::serve {
namespace {

constexpr std::string_view file_kind = "sessions";
constexpr std::uint32_t file_version = 1;
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

}  // namespace

SessionStore::SessionStore(const model::IncrementalModel& model, std::string fingerprint, bool exclude_seen)
    : model_(model), fingerprint_(std::move(fingerprint)), exclude_seen_(exclude_seen) {}

void SessionStore::observe(const std::string& user, std::int32_t item, std::int64_t number) {
  auto at_user = sessions_.find(user);
  if (at_user == sessions_.end()) {
    at_user = sessions_.emplace(user, User{model::Session(model_, number), 0, {}}).first;
  }
  User& own = at_user->second;
  own.session.observe(item);
  ++own.events;
  const auto at = std::lower_bound(own.seen.begin(), own.seen.end(), item);
  if (at == own.seen.end() || *at != item) own.seen.insert(at, item);
}

std::vector<model::Recommendation> SessionStore::recommend(const std::string& user, std::int64_t k) const {
  const User& own = sessions_.at(user);
  return own.session.recommend(k, exclude_seen_ ? own.seen : std::span<const std::int32_t>{});
}

std::int64_t SessionStore::events(const std::string& user) const {
  const auto it = sessions_.find(user);
  return it == sessions_.end() ? 0 : it->second.events;
}

void SessionStore::save(const std::filesystem::path& path) const {
  SavedSessions saved{fingerprint_, /*has_seen=*/true, {}};
  for (const auto& [name, user] : sessions_) {
    saved.users.emplace(name, SavedUser{user.events, user.seen, nn::to_record(user.session.state())});
  }
  nn::write_envelope(path, file_kind, file_version, nn::to_bytes(saved));
}

void SessionStore::load(const std::filesystem::path& path) {
  const std::string file = path.string();
  const auto saved = nn::from_bytes<SavedSessions>(nn::read_envelope(path, file_kind, file_version), file);
  if (saved.fingerprint != fingerprint_) {
    fail(ErrorKind::file, "{}: the states were made with other weights; start without them", file);
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
