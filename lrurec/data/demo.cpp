#include "lrurec/data/demo.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "tensor/error.h"
#include "tensor/random.h"

namespace lrurec::data {
namespace {

constexpr double follow_table = 0.85;
constexpr std::int64_t shortest = 5;
constexpr std::int64_t most = (std::int64_t{1} << 31) - 2;  ///< items, and about as many interactions

// Streams of the seed. Users' draws use streams from 2^32 on.
enum Stream : std::uint64_t { item_order, first_permutation, second_permutation, lengths };

std::vector<std::int64_t> permutation(std::int64_t n, const Philox& random) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[random.below(i, i + 1)]);
  return order;
}

void check(const DemoShape& s) {
  if (s.users < 1) fail(ErrorKind::usage, "--demo-users must be at least 1, not {}", s.users);
  if (s.classes < 1) fail(ErrorKind::usage, "demonstration data need at least one class of items");
  if (s.items < 4 * s.classes) {
    fail(ErrorKind::usage, "--demo-items must be at least {}, four for each of {} classes, not {}",
         4 * s.classes, s.classes, s.items);
  }
  if (!(s.mean_length >= shortest)) {
    fail(ErrorKind::usage, "--demo-length must be at least {}, not {}", shortest, s.mean_length);
  }
  if (s.mean_length > static_cast<double>(s.items) / 4) {
    fail(ErrorKind::usage,
         "--demo-length {} needs --demo-items of at least {}, since no user takes an item twice",
         s.mean_length, std::ceil(4 * s.mean_length));
  }
  if (s.items > most || static_cast<double>(s.users) * s.mean_length > static_cast<double>(most)) {
    fail(
        ErrorKind::usage,
        "demonstration data have at most 2^31 - 2 items and interactions; make --demo-users, --demo-items or "
        "--demo-length smaller");
  }
}

bool contains(Items items, std::int32_t item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

}  // namespace

DemoProcess::DemoProcess(const DemoShape& shape) : shape_(shape) {
  check(shape);
  const auto items = static_cast<std::size_t>(shape.items), classes = static_cast<std::size_t>(shape.classes);
  class_of_.resize(items);
  weight_.resize(items);
  members_.resize(classes);
  cumulative_.resize(classes);
  // Items in random order are dealt to the classes in turn; the place within the class is the Zipf rank.
  const auto order = permutation(shape.items, Philox(shape.seed, item_order));
  for (std::size_t place = 0; place < items; ++place) {
    const std::size_t c = place % classes;
    const auto item = static_cast<std::size_t>(order[place]);
    class_of_[item] = static_cast<std::int64_t>(c);
    const std::size_t rank = place / classes + 1;
    weight_[item] = 1 / static_cast<double>(rank);
    members_[c].push_back(static_cast<std::int32_t>(item) + 1);
  }
  for (std::size_t c = 0; c < classes; ++c) {
    double total = 0;
    for (const auto item : members_[c]) total += weight_[static_cast<std::size_t>(item - 1)];
    double sum = 0;
    for (const auto item : members_[c]) {
      double& weight = weight_[static_cast<std::size_t>(item - 1)];
      weight /= total;
      cumulative_[c].push_back(sum += weight);
    }
    cumulative_[c].back() = 1;
  }
  first_ = permutation(shape.classes, Philox(shape.seed, first_permutation));
  second_ = permutation(shape.classes, Philox(shape.seed, second_permutation));
}

std::int64_t DemoProcess::table_class(Items history) const {
  if (history.size() < 2) return -1;
  const auto before = static_cast<std::size_t>(class_of(history[history.size() - 2]));
  const auto last = static_cast<std::size_t>(class_of(history.back()));
  return (first_[before] + second_[last]) % shape_.classes;
}

double DemoProcess::class_probability(std::int64_t next, Items history) const {
  const std::int64_t expected = table_class(history);
  const double any = 1 / static_cast<double>(shape_.classes);
  if (expected < 0) return any;
  return (1 - follow_table) * any + (next == expected ? follow_table : 0);
}

double DemoProcess::item_weight(std::int32_t item, Items history) const {
  return class_probability(class_of(item), history) * weight_[static_cast<std::size_t>(item - 1)];
}

// Drawing a class, then a member, and again while the item was seen before, gives exactly the distribution of
// next_distribution(): rejection scales the weights of the unseen items to sum 1.
std::int32_t DemoProcess::draw_next(std::int64_t user, Items history) const {
  const Philox random(shape_.seed, (std::uint64_t{1} << 32) + static_cast<std::uint64_t>(user));
  const std::int64_t expected = table_class(history);
  for (std::uint64_t attempt = 0;; ++attempt) {
    const std::uint64_t at = (static_cast<std::uint64_t>(history.size()) << 24) + 3 * attempt;
    const bool follow = expected >= 0 && random.uniform(at) < follow_table;
    const auto c = follow ? static_cast<std::size_t>(expected)
                          : random.below(at + 1, static_cast<std::uint64_t>(shape_.classes));
    const auto& cumulative = cumulative_[c];
    const auto place = std::upper_bound(cumulative.begin(), cumulative.end(), random.uniform(at + 2));
    const auto member = std::min<std::ptrdiff_t>(place - cumulative.begin(), std::ssize(cumulative) - 1);
    const std::int32_t item = members_[c][static_cast<std::size_t>(member)];
    if (!contains(history, item)) return item;
  }
}

std::vector<double> DemoProcess::next_distribution(Items history) const {
  std::vector<double> p(class_of_.size());
  double total = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto item = static_cast<std::int32_t>(i) + 1;
    if (!contains(history, item)) p[i] = item_weight(item, history);
    total += p[i];
  }
  for (auto& x : p) x /= total;
  return p;
}

DemoProcess::Likeliest DemoProcess::likeliest(Items history, std::int64_t k) const {
  const std::unordered_set<std::int32_t> seen(history.begin(), history.end());
  // The likeliest unseen items are among the k heaviest unseen ones of each class.
  std::vector<std::int32_t> candidates;
  for (const auto& members : members_) {
    std::int64_t taken = 0;
    for (auto it = members.begin(); it != members.end() && taken < k; ++it) {
      if (seen.contains(*it)) continue;
      candidates.push_back(*it);
      ++taken;
    }
  }
  const auto count = std::min<std::ptrdiff_t>(k, std::ssize(candidates));
  std::partial_sort(candidates.begin(), candidates.begin() + count, candidates.end(),
                    [&](std::int32_t a, std::int32_t b) {
                      const double x = item_weight(a, history), y = item_weight(b, history);
                      return x != y ? x > y : a < b;
                    });
  candidates.resize(static_cast<std::size_t>(count));
  double unseen = 1;
  for (const auto item : seen) unseen -= item_weight(item, history);
  Likeliest result{candidates, 0};
  for (const auto item : candidates) result.probability += item_weight(item, history) / unseen;
  return result;
}

Dataset make_demo(const DemoShape& shape) {
  const DemoProcess process(shape);
  const Philox random(shape.seed, lengths);
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> ids;
  StringTable users, items;
  for (std::int64_t user = 0; user < shape.users; ++user) {
    // Exponential lengths, as in real logs: many short sequences and a long tail, capped so that unseen items
    // remain.
    const double spread =
        shape.equal_lengths ? 1 : -std::log(random.uniform(static_cast<std::uint64_t>(user)));
    const double tail = spread * (shape.mean_length - shortest);
    const auto length = std::min(shortest + static_cast<std::int64_t>(std::lround(tail)), shape.items / 2);
    std::vector<std::int32_t> sequence;
    for (std::int64_t t = 0; t < length; ++t) sequence.push_back(process.draw_next(user, sequence));
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    offsets.push_back(static_cast<std::int64_t>(ids.size()));
    users.add("u" + std::to_string(user + 1));
  }
  for (std::int64_t item = 1; item <= shape.items; ++item) items.add("i" + std::to_string(item));

  Protocol protocol;
  protocol.source = fmt::format("demonstration data, seed {}", shape.seed);
  protocol.format = "demo";
  protocol.filter = "none";
  protocol.ties = "none (no timestamps)";
  protocol.order = "as generated";
  protocol.steps = {{"generated", shape.users, shape.items, static_cast<std::int64_t>(ids.size())}};
  const Dataset plain(offsets, ids, users, items, protocol);
  for (const Split split : {Split::validation, Split::test}) {
    double possible = 0, reached = 0;
    for (std::int64_t user = 0; user < plain.users(); ++user) {
      const auto best = process.likeliest(plain.history(user, split), 10);
      possible += best.probability;
      reached += contains(best.items, plain.target(user, split)) ? 1 : 0;
    }
    const auto n = static_cast<double>(plain.users());
    protocol.facts[fmt::format("best_possible_recall10_{}", name(split))] = possible / n;
    protocol.facts[fmt::format("optimal_ranking_recall10_{}", name(split))] = reached / n;
  }
  return Dataset(std::move(offsets), std::move(ids), std::move(users), std::move(items), std::move(protocol));
}

}  // namespace lrurec::data
