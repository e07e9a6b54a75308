#pragma once
// From raw ids, as the user's files have them, to the numbers of a data set and back.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lrurec/data/dataset.h"

namespace lrurec::serve {

/// The data set must outlive it.
class Catalogue {
 public:
  explicit Catalogue(const data::Dataset& data);

  std::int64_t num_items() const { return data_.items(); }
  /// 1..|I|; nothing for an unknown id.
  std::optional<std::int32_t> item(std::string_view raw) const;
  /// From 0; nothing for an unknown id.
  std::optional<std::int64_t> user(std::string_view raw) const;
  std::string_view item_name(std::int64_t item) const { return data_.item_name(item); }
  /// Empty where it has none.
  std::string_view item_title(std::int64_t item) const { return data_.item_title(item); }

  /// {"item": ID, "title": TITLE}, without a title where there is none.
  nlohmann::json describe(std::int64_t item) const;

  /// The known items of a list, in order; the others are added to `unknown`.
  std::vector<std::int32_t> items(const std::vector<std::string>& raw,
                                  std::vector<std::string>& unknown) const;

 private:
  const data::Dataset& data_;
  std::unordered_map<std::string_view, std::int32_t> items_;
  std::unordered_map<std::string_view, std::int64_t> users_;
};

}  // namespace lrurec::serve
