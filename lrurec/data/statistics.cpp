#include "lrurec/data/statistics.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "tensor/error.h"
#include "tensor/random.h"

namespace lrurec::data {

Statistics statistics(const Dataset& data) {
  Statistics s;
  s.users = data.users();
  s.items = data.items();
  s.interactions = data.interactions();
  const auto interactions = static_cast<double>(s.interactions);
  if (s.interactions == 0)
    fail(ErrorKind::data, "the data set is empty; prepare it again from a file with interactions");
  std::vector<std::int64_t> lengths, counts(static_cast<std::size_t>(data.items()));
  std::vector<bool> trained(static_cast<std::size_t>(data.items() + 1));
  std::int64_t repeats = 0;
  std::unordered_set<std::int32_t> seen;
  for (std::int64_t u = 0; u < data.users(); ++u) {
    const Items sequence = data.sequence(u);
    lengths.push_back(std::ssize(sequence));
    seen.clear();
    for (const auto item : sequence) {
      ++counts[static_cast<std::size_t>(item - 1)];
      repeats += seen.insert(item).second ? 0 : 1;
    }
    for (const auto item : data.train(u)) trained[static_cast<std::size_t>(item)] = true;
  }
  for (const auto u : data.evaluated_users(Split::test)) {
    ++s.evaluated_users;
    s.unseen_targets += trained[static_cast<std::size_t>(data.target(u, Split::test))] ? 0 : 1;
  }
  std::sort(lengths.begin(), lengths.end());
  const std::size_t middle = lengths.size() / 2;
  s.median_length = lengths.size() % 2 == 1 ? static_cast<double>(lengths[middle])
                                            : static_cast<double>(lengths[middle - 1] + lengths[middle]) / 2;
  s.longest = lengths.back();
  s.mean_length = interactions / static_cast<double>(s.users);
  s.sparsity = 1 - (interactions - static_cast<double>(repeats)) /
                       (static_cast<double>(s.users) * static_cast<double>(s.items));
  s.repeats = static_cast<double>(repeats) / interactions;

  std::sort(counts.begin(), counts.end(), std::greater<>());
  const auto share_of_top = [&](double share) {
    const auto n = std::max<std::ptrdiff_t>(std::lround(share * static_cast<double>(counts.size())), 1);
    std::int64_t sum = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) sum += counts[static_cast<std::size_t>(i)];
    return static_cast<double>(sum) / interactions;
  };
  s.top_1_percent = share_of_top(0.01);
  s.top_10_percent = share_of_top(0.1);
  // Half the mean difference of two items' counts, in units of the mean count.
  const auto n = static_cast<double>(counts.size());
  double weighted = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    weighted += (n - 1 - 2 * static_cast<double>(i)) * static_cast<double>(counts[i]);
  }
  s.gini = weighted / (n * interactions);
  return s;
}

Dataset shuffled(const Dataset& data, std::uint64_t seed) {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> ids;
  StringTable users, items;
  for (std::int64_t u = 0; u < data.users(); ++u) {
    const Items sequence = data.sequence(u);
    const auto first = std::ssize(ids);
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    const Philox random(seed, static_cast<std::uint64_t>(u));
    for (std::int64_t i = std::ssize(data.train(u)) - 1; i > 0; --i) {
      const auto j = static_cast<std::int64_t>(random.uniform(static_cast<std::uint64_t>(i)) *
                                               static_cast<double>(i + 1));
      std::swap(ids[static_cast<std::size_t>(first + i)], ids[static_cast<std::size_t>(first + j)]);
    }
    offsets.push_back(std::ssize(ids));
    users.add(data.user_name(u));
  }
  for (std::int64_t i = 1; i <= data.items(); ++i) items.add(data.item_name(i));
  return Dataset(std::move(offsets), std::move(ids), std::move(users), std::move(items), data.protocol(),
                 data.cuts());
}

}  // namespace lrurec::data
