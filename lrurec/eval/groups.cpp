#include "lrurec/eval/groups.h"

#include <algorithm>
#include <numeric>

#include "lrurec/eval/baselines.h"
#include "lrurec/util/numbers.h"
#include "tensor/error.h"

namespace lrurec::eval {

GroupBy parse_group_by(const std::string& text) {
  for (const auto by : {GroupBy::history, GroupBy::popularity}) {
    if (text == name(by)) return by;
  }
  fail(ErrorKind::usage, "--by: there is no grouping '{}'; there are history and popularity", text);
}

std::string_view name(GroupBy by) { return by == GroupBy::history ? "history" : "popularity"; }

std::string_view unit(GroupBy by) {
  return by == GroupBy::history ? "items before the target" : "target's interactions in training";
}

std::vector<std::int64_t> group_values(const data::Dataset& data, data::Split split, GroupBy by) {
  std::vector<std::int64_t> trained;
  if (by == GroupBy::popularity) trained = training_counts(data);
  std::vector<std::int64_t> values;
  for (const auto user : data.evaluated_users(split)) {
    values.push_back(by == GroupBy::history ? std::ssize(data.history(user, split))
                                            : trained[static_cast<std::size_t>(data.target(user, split))]);
  }
  return values;
}

std::string Group::text() const {
  const std::string first = util::with_commas(least);
  return least == most ? first : first + " .. " + util::with_commas(most);
}

std::vector<Group> make_groups(std::span<const std::int64_t> values, std::int64_t groups) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  const std::size_t n = order.size();
  std::vector<Group> made;
  std::size_t begin = 0;
  const auto close = [&](std::size_t end) {
    Group group{values[order[begin]], values[order[end - 1]], {order.begin() + begin, order.begin() + end}};
    std::ranges::sort(group.members);
    made.push_back(std::move(group));
    begin = end;
  };
  const auto end_of_ties = [&](std::size_t place) {
    while (place < n && values[order[place]] == values[order[place - 1]]) ++place;
    return place;
  };
  if (n > 0 && values[order[0]] == 0) close(end_of_ties(1));
  const std::size_t rest = begin;
  for (std::int64_t g = 1; g <= groups && begin < n; ++g) {
    const std::size_t end =
        rest + (n - rest) * static_cast<std::size_t>(g) / static_cast<std::size_t>(groups);
    if (end > begin) close(end_of_ties(end));
  }
  return made;
}

std::vector<std::int64_t> ranks_of(const Group& group, std::span<const std::int64_t> ranks) {
  std::vector<std::int64_t> some;
  for (const auto i : group.members) some.push_back(ranks[i]);
  return some;
}

}  // namespace lrurec::eval
