#pragma once
// Small data sets.

#include <algorithm>
#include <string>
#include <vector>

#include "lrurec/data/dataset.h"
#include "lrurec/data/demo.h"

namespace lrurec::test {

/// A data set of these sequences; the number of items is the largest id.
inline data::Dataset make_dataset(const std::vector<std::vector<std::int32_t>>& sequences) {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> ids;
  data::StringTable users, items;
  for (const auto& sequence : sequences) {
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    offsets.push_back(static_cast<std::int64_t>(ids.size()));
    users.add("user" + std::to_string(offsets.size() - 1));
  }
  for (std::int32_t item = 1; item <= *std::max_element(ids.begin(), ids.end()); ++item) {
    items.add("item" + std::to_string(item));
  }
  return data::Dataset(offsets, ids, users, items, {});
}

/// A few hundred interactions to train on in a moment.
inline data::Dataset small_demo(std::uint64_t seed = 1) {
  return data::make_demo({.users = 60, .items = 40, .mean_length = 8, .classes = 4, .seed = seed});
}

}  // namespace lrurec::test
