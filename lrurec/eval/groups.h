#pragma once
// Users in groups, since a mean over all of them hides for whom a model is good.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lrurec/data/dataset.h"
#include "lrurec/eval/metrics.h"

namespace lrurec::eval {

/// What evaluated users are grouped by: the number of items before their target, or how often their target
/// occurs in all users' training items.
enum class GroupBy { history, popularity };
/// "history" or "popularity"; anything else is ErrorKind::usage.
GroupBy parse_group_by(const std::string& text);
std::string_view name(GroupBy by);
/// What the numbers count, as a table's header.
std::string_view unit(GroupBy by);

/// That number for each user of data.evaluated_users(split), in that order.
std::vector<std::int64_t> group_values(const data::Dataset& data, data::Split split, GroupBy by);

struct Group {
  std::int64_t least = 0, most = 0;  ///< the smallest and the largest value in it
  std::vector<std::size_t> members;  ///< places in the values, ascending

  /// "18 .. 41", or "3" where all are equal.
  std::string text() const;
};

/// Groups by ascending value, each of about 1 / `groups` of all. Equal values are in one group, so there may
/// be fewer. A value of 0, a target that was never trained on, is a group of its own.
std::vector<Group> make_groups(std::span<const std::int64_t> values, std::int64_t groups = 5);

/// The members' ranks.
std::vector<std::int64_t> ranks_of(const Group& group, std::span<const std::int64_t> ranks);

}  // namespace lrurec::eval
