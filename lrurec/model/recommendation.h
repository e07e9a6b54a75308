#pragma once
// What comes back for a user, and what must not.

#include <cstdint>
#include <span>
#include <vector>

#include "ops/linear_rank/linear_rank.h"

namespace lrurec::model {

struct Recommendation {
  std::int64_t item;
  double score;
};

/// For each of some users the items that are no candidates: the start token (item 0), which is no item to
/// buy, and those given.
class ExclusionList {
 public:
  /// The next user's items, in any order, also several times.
  void add(std::span<const std::int32_t> items);
  /// As linear_ranks and linear_top_k take it: each user's in rising order, each once.
  ops::raw::ExcludedClasses classes() const;

 private:
  std::vector<std::int64_t> items_, offsets_{0};
};

}  // namespace lrurec::model
