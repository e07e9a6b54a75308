#include "lrurec/serve/session_store.h"

#include <algorithm>

#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "nn/serialization/tensor_record.h"
#include "tensor/error.h"

namespace lrurec::serve {
namespace {

constexpr std::string_view file_kind = "sessions";
constexpr std::uint32_t file_version = 1;

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

SessionStore::SessionStore(const model::IncrementalModel& model, std::string fingerprint, bool keep_seen)
    : model_(model), fingerprint_(std::move(fingerprint)), keep_seen_(keep_seen) {}

void SessionStore::observe(const std::string& user, std::int32_t item) {
  User& own = sessions_.try_emplace(user, User{model::Session(model_), 0, {}}).first->second;
  own.session.observe(item);
  ++own.events;
  if (!keep_seen_) return;
  const auto at = std::lower_bound(own.seen.begin(), own.seen.end(), item);
  if (at == own.seen.end() || *at != item) own.seen.insert(at, item);
}

std::vector<model::Recommendation> SessionStore::recommend(const std::string& user, std::int64_t k) const {
  const User& own = sessions_.at(user);
  return own.session.recommend(k, own.seen);
}

std::int64_t SessionStore::events(const std::string& user) const {
  const auto it = sessions_.find(user);
  return it == sessions_.end() ? 0 : it->second.events;
}

void SessionStore::save(const std::filesystem::path& path) const {
  SavedSessions saved{fingerprint_, keep_seen_, {}};
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
  if (keep_seen_ && !saved.has_seen) {
    fail(ErrorKind::file,
         "{}: the states were saved without the items that users have seen; start without them, or without "
         "--exclude-seen",
         file);
  }
  const Tensor wanted = model_.initial_state(1);
  for (const auto& [name, user] : saved.users) {
    User own{model::Session(model_), user.events, keep_seen_ ? user.seen : std::vector<std::int32_t>{}};
    const auto items = static_cast<std::int32_t>(model_.config().num_items);
    if (user.events < 1 || !std::is_sorted(own.seen.begin(), own.seen.end()) ||
        (!own.seen.empty() && (own.seen.front() < 1 || own.seen.back() > items))) {
      fail(ErrorKind::file, "{}: the session of user '{}' is damaged", file, name);
    }
    own.session.set_state(
        nn::from_record(user.state, "the state of user '" + name + "'", wanted.dtype(), wanted.shape()));
    sessions_.emplace(name, std::move(own));
  }
}

}  // namespace lrurec::serve
