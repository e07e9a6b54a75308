#pragma once
// Items that are recommended to a user, and items that must not be.

#include <cstdint>
#include <span>
#include <vector>

#include "ops/linear_rank/linear_rank.h"

namespace lrurec::model {

struct Recommendation {
  std::int64_t item;
  double score;
};

/// The items that are no candidates, user by user: those given, and the start token (item 0).
class ExclusionList {
 public:
  /// Adds the next user's items, in any order; repeats are allowed.
  void add(std::span<const std::int32_t> items);
  /// As linear_ranks and linear_top_k take it: each user's in rising order, each once.
  ops::raw::ExcludedClasses classes() const;

 private:
  std::vector<std::int64_t> items_, offsets_{0};
};

}  // namespace lrurec::model
