#include "lrurec/data/dataset.h"

#include <algorithm>

#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tensor/error.h"

namespace lrurec::data {
namespace {

constexpr std::string_view file_kind = "dataset";
constexpr std::uint32_t file_version = 1;

/// The content of a dataset file, version 1.
struct Payload {
  std::vector<std::int64_t> offsets;
  std::vector<std::int32_t> ids;
  StringTable users, items;
  Protocol protocol;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(offsets, ids, users, items, protocol);
  }
};

}  // namespace

std::string_view name(Split split) { return split == Split::validation ? "val" : "test"; }

Dataset::Dataset(std::vector<std::int64_t> offsets, std::vector<std::int32_t> ids, StringTable users,
                 StringTable items, Protocol protocol, const std::string& what)
    : offsets_(std::move(offsets)),
      ids_(std::move(ids)),
      user_names_(std::move(users)),
      item_names_(std::move(items)),
      protocol_(std::move(protocol)) {
  const auto inconsistent = [&](const char* part) {
    fail(ErrorKind::file, "{} is inconsistent: {}; prepare it again", what, part);
  };
  if (offsets_.empty() || offsets_.front() != 0 || !std::is_sorted(offsets_.begin(), offsets_.end()) ||
      offsets_.back() != static_cast<std::int64_t>(ids_.size())) {
    inconsistent("the users' boundaries do not fit the items");
  }
  if (!user_names_.valid() || !item_names_.valid()) inconsistent("a table of names is broken");
  if (user_names_.size() + 1 != offsets_.size()) inconsistent("the number of user names differs");
  if (item_names_.size() >= static_cast<std::size_t>(INT32_MAX)) inconsistent("there are too many items");
  const auto last = static_cast<std::int32_t>(item_names_.size());
  if (std::any_of(ids_.begin(), ids_.end(), [last](std::int32_t id) { return id < 1 || id > last; })) {
    inconsistent("an item id is out of range");
  }
}

Items Dataset::sequence(std::int64_t user) const {
  const auto u = static_cast<std::size_t>(user);
  return Items(ids_).subspan(static_cast<std::size_t>(offsets_[u]),
                             static_cast<std::size_t>(offsets_[u + 1] - offsets_[u]));
}

Items Dataset::train(std::int64_t user) const {
  const Items all = sequence(user);
  return evaluated(user) ? all.first(all.size() - 2) : all;
}

Items Dataset::sequence_of_evaluated(std::int64_t user) const {
  const Items all = sequence(user);
  if (all.size() < 3) {
    fail(ErrorKind::internal, "user '{}' has {} items and no target: fewer than 3 are for training only",
         user_name(user), all.size());
  }
  return all;
}

Items Dataset::history(std::int64_t user, Split split) const {
  const Items all = sequence_of_evaluated(user);
  return all.first(all.size() - (split == Split::test ? 1 : 2));
}

std::int32_t Dataset::target(std::int64_t user, Split split) const {
  const Items all = sequence_of_evaluated(user);
  return all[all.size() - (split == Split::test ? 1 : 2)];
}

std::vector<std::int64_t> Dataset::evaluated_users() const {
  std::vector<std::int64_t> result;
  for (std::int64_t u = 0; u < users(); ++u) {
    if (evaluated(u)) result.push_back(u);
  }
  return result;
}

std::string Dataset::fingerprint() const {
  return nn::fingerprint(nn::to_bytes(Payload{offsets_, ids_, user_names_, item_names_, {}}));
}

void Dataset::save(const std::filesystem::path& path) const {
  nn::write_envelope(path, file_kind, file_version,
                     nn::to_bytes(Payload{offsets_, ids_, user_names_, item_names_, protocol_}));
}

Dataset Dataset::load(const std::filesystem::path& path) {
  const auto bytes = nn::read_envelope(path, file_kind, file_version);
  auto payload = nn::from_bytes<Payload>(bytes, path.string());
  return Dataset(std::move(payload.offsets), std::move(payload.ids), std::move(payload.users),
                 std::move(payload.items), std::move(payload.protocol), path.string());
}

}  // namespace lrurec::data
