#include "lrurec/serve/catalogue.h"

namespace lrurec::serve {

Catalogue::Catalogue(const data::Dataset& data) : data_(data) {
  items_.reserve(static_cast<std::size_t>(data.items()));
  for (std::int32_t i = 1; i <= data.items(); ++i) items_.emplace(data.item_name(i), i);
  users_.reserve(static_cast<std::size_t>(data.users()));
  for (std::int64_t u = 0; u < data.users(); ++u) users_.emplace(data.user_name(u), u);
}

std::optional<std::int32_t> Catalogue::item(std::string_view raw) const {
  const auto it = items_.find(raw);
  return it == items_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::int64_t> Catalogue::user(std::string_view raw) const {
  const auto it = users_.find(raw);
  return it == users_.end() ? std::nullopt : std::optional(it->second);
}

nlohmann::json Catalogue::describe(std::int64_t item) const {
  nlohmann::json described{{"item", item_name(item)}};
  if (!data_.item_title(item).empty()) described["title"] = data_.item_title(item);
  return described;
}

std::vector<std::int32_t> Catalogue::items(const std::vector<std::string>& raw,
                                           std::vector<std::string>& unknown) const {
  std::vector<std::int32_t> known;
  for (const auto& name : raw) {
    if (const auto found = item(name)) {
      known.push_back(*found);
    } else {
      unknown.push_back(name);
    }
  }
  return known;
}

}  // namespace lrurec::serve
