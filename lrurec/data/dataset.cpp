#include "lrurec/data/dataset.h"

#include <algorithm>

#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tensor/error.h"

namespace lrurec::data {
namespace {

constexpr std::string_view file_kind = "dataset";
constexpr std::uint32_t file_version = 3;

/// The content of a dataset file. Version 1 ends before the split, version 2 before the titles; a data set
/// without titles is still written as version 2, which earlier builds read.
struct Payload {
  std::vector<std::int64_t> offsets;
  std::vector<std::int32_t> ids;
  StringTable users, items;
  Protocol protocol;
  Cuts cuts;
  std::uint32_t version = file_version;
  StringTable titles = {};

  template <class Archive>
  void serialize(Archive& archive) {
    Protocol& p = protocol;
    archive(offsets, ids, users, items, p.source, p.format, p.filter, p.ties, p.order, p.steps, p.facts);
    if (version >= 2) archive(p.split, cuts);
    if (version >= 3) archive(titles);
  }
};

}  // namespace

std::string_view name(Split split) { return split == Split::validation ? "val" : "test"; }

std::string need_of_targets(const Protocol& protocol) {
  if (protocol.split == Protocol().split) return protocol.split + " needs 3 interactions";
  return "the split is " + protocol.split;
}

Dataset::Dataset(std::vector<std::int64_t> offsets, std::vector<std::int32_t> ids, StringTable users,
                 StringTable items, Protocol protocol, Cuts cuts, const std::string& what)
    : offsets_(std::move(offsets)),
      ids_(std::move(ids)),
      user_names_(std::move(users)),
      item_names_(std::move(items)),
      protocol_(std::move(protocol)),
      cuts_(std::move(cuts)) {
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
  if (cuts_.empty() && cuts_.validation.empty() && cuts_.test.empty()) return;
  const std::size_t count = user_names_.size();
  if (cuts_.train.size() != count || cuts_.validation.size() != count || cuts_.test.size() != count) {
    inconsistent("the number of cuts differs");
  }
  for (std::size_t u = 0; u < count; ++u) {
    const std::int64_t n = offsets_[u + 1] - offsets_[u], train = cuts_.train[u];
    const auto fits = [&](std::int64_t place) { return place == 0 || (place >= train && place < n); };
    if (train < 0 || train > n || !fits(cuts_.validation[u]) || !fits(cuts_.test[u])) {
      inconsistent("a cut is outside its sequence");
    }
  }
}

void Dataset::set_titles(StringTable titles, const std::string& what) {
  if (!titles.valid() || (titles.size() != 0 && titles.size() != item_names_.size())) {
    fail(ErrorKind::file, "{} is inconsistent: the titles do not fit the items; prepare it again", what);
  }
  item_titles_ = std::move(titles);
}

Items Dataset::sequence(std::int64_t user) const {
  const auto u = static_cast<std::size_t>(user);
  return Items(ids_).subspan(static_cast<std::size_t>(offsets_[u]),
                             static_cast<std::size_t>(offsets_[u + 1] - offsets_[u]));
}

Items Dataset::train(std::int64_t user) const {
  const Items all = sequence(user);
  if (!cuts_.empty()) return all.first(static_cast<std::size_t>(cuts_.train[static_cast<std::size_t>(user)]));
  return all.size() >= 3 ? all.first(all.size() - 2) : all;
}

std::size_t Dataset::target_place(std::int64_t user, Split split) const {
  const auto u = static_cast<std::size_t>(user);
  if (!cuts_.empty()) {
    return static_cast<std::size_t>(split == Split::test ? cuts_.test[u] : cuts_.validation[u]);
  }
  const std::size_t n = sequence(user).size();
  return n < 3 ? 0 : n - (split == Split::test ? 1 : 2);
}

Items Dataset::history(std::int64_t user, Split split) const {
  const std::size_t place = target_place(user, split);
  if (place == 0) {
    fail(ErrorKind::internal, "user '{}' with {} items has no {} target", user_name(user),
         sequence(user).size(), name(split));
  }
  return sequence(user).first(place);
}

std::int32_t Dataset::target(std::int64_t user, Split split) const {
  return sequence(user)[history(user, split).size()];
}

std::vector<std::int64_t> Dataset::evaluated_users(Split split) const {
  std::vector<std::int64_t> result;
  for (std::int64_t u = 0; u < users(); ++u) {
    if (evaluated(u, split)) result.push_back(u);
  }
  return result;
}

std::string Dataset::fingerprint() const {
  // Leave-last-out is hashed as in version 1, so that older fingerprints still hold.
  return nn::fingerprint(nn::to_bytes(
      Payload{offsets_, ids_, user_names_, item_names_, Protocol{}, cuts_, cuts_.empty() ? 1U : 2U, {}}));
}

void Dataset::save(const std::filesystem::path& path) const {
  const std::uint32_t version = has_titles() ? 3 : 2;
  nn::write_envelope(path, file_kind, version,
                     nn::to_bytes(Payload{offsets_, ids_, user_names_, item_names_, protocol_, cuts_, version,
                                          item_titles_}));
}

Dataset Dataset::load(const std::filesystem::path& path) {
  Payload payload;
  const auto bytes = nn::read_envelope(path, file_kind, file_version, &payload.version);
  payload = nn::from_bytes<Payload>(bytes, path.string(), std::move(payload));
  Dataset data(std::move(payload.offsets), std::move(payload.ids), std::move(payload.users),
               std::move(payload.items), std::move(payload.protocol), std::move(payload.cuts), path.string());
  data.set_titles(std::move(payload.titles), path.string());
  return data;
}

}  // namespace lrurec::data
