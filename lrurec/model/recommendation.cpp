#include "lrurec/model/recommendation.h"

#include <algorithm>
#include <functional>

namespace lrurec::model {

void ExclusionList::add(std::span<const std::int32_t> items) {
  const auto first = items_.insert(items_.end(), 0);
  const auto begin = first - items_.begin();
  items_.insert(items_.end(), items.begin(), items.end());
  // A session's items come sorted, and there may be thousands.
  if (std::adjacent_find(items_.begin() + begin, items_.end(), std::greater_equal<>()) != items_.end()) {
    std::sort(items_.begin() + begin, items_.end());
    items_.erase(std::unique(items_.begin() + begin, items_.end()), items_.end());
  }
  offsets_.push_back(std::ssize(items_));
}

ops::raw::ExcludedClasses ExclusionList::classes() const {
  return {Tensor::from(offsets_), Tensor::from(items_)};
}

}  // namespace lrurec::model
