#include "lrurec/data/negatives.h"

#include <algorithm>
#include <unordered_set>

#include "tensor/error.h"
#include "tensor/random.h"
#include "tensor/strided_loop.h"

namespace lrurec::data {
namespace {

// Streams of the run's seed; docs/architecture.md lists them all.
constexpr std::uint64_t training_stream = (std::uint64_t{1} << 62) + (std::uint64_t{1} << 61);
constexpr std::uint64_t evaluation_stream = (std::uint64_t{1} << 63) + (std::uint64_t{1} << 62);

}  // namespace

Tensor draw_negatives(std::uint64_t seed, std::int64_t step, const Shape& shape, std::int64_t num_items) {
  if (num_items < 1) fail(ErrorKind::internal, "there are no items to draw negatives from");
  const Philox random(seed, training_stream + static_cast<std::uint64_t>(step));
  const Tensor ids = Tensor::empty(shape, DType::i64);
  auto* id = ids.data<std::int64_t>();
  const std::int64_t n = shape.numel();
#pragma omp parallel for schedule(static) if (n > parallel_grain)
  for (std::int64_t k = 0; k < n; ++k) {
    id[k] = 1 + static_cast<std::int64_t>(
                    random.below(static_cast<std::uint64_t>(k), static_cast<std::uint64_t>(num_items)));
  }
  return ids;
}

// Floyd's sampling of places among the items that are left: count draws, whatever the size of the catalogue.
std::vector<std::int64_t> draw_candidates(std::uint64_t seed, std::uint64_t key, std::int64_t count,
                                          std::int64_t num_items, Items excluded) {
  std::vector<std::int64_t> out(excluded.begin(), excluded.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (!out.empty() && (out.front() < 1 || out.back() > num_items)) {
    fail(ErrorKind::internal, "excluded items must be in 1..{}", num_items);
  }
  const std::int64_t left = num_items - std::ssize(out);
  count = std::min(count, left);
  // Place p (from 0) among the items that are left is item p + 1 + the number of excluded items below it.
  // out[e] - e is 1 + the number of items left below excluded item e.
  for (std::int64_t e = 0; e < std::ssize(out); ++e) out[static_cast<std::size_t>(e)] -= e;
  const auto item_at = [&](std::int64_t place) {
    return place + 1 + (std::upper_bound(out.begin(), out.end(), place + 1) - out.begin());
  };
  const Philox random(seed, evaluation_stream + key);
  std::unordered_set<std::int64_t> taken;
  taken.reserve(static_cast<std::size_t>(count));
  std::vector<std::int64_t> items;
  for (std::int64_t last = left - count; last < left; ++last) {
    auto place = static_cast<std::int64_t>(
        random.below(static_cast<std::uint64_t>(items.size()), static_cast<std::uint64_t>(last) + 1));
    if (!taken.insert(place).second) taken.insert(place = last);
    items.push_back(item_at(place));
  }
  return items;
}

}  // namespace lrurec::data
