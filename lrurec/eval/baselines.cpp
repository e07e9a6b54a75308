#include "lrurec/eval/baselines.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

namespace lrurec::eval {
namespace {

std::vector<float> popularity(const data::Dataset& data) {
  std::vector<float> counts(static_cast<std::size_t>(data.items() + 1));
  for (std::int64_t u = 0; u < data.users(); ++u) {
    for (const auto item : data.train(u)) ++counts[static_cast<std::size_t>(item)];
  }
  return counts;
}

Tensor rows_of(const std::vector<float>& row, std::size_t n) {
  return Tensor::from(row)
      .unsqueeze(0)
      .broadcast_to({static_cast<std::int64_t>(n), std::ssize(row)})
      .contiguous();
}

}  // namespace

Scorer popularity_scorer(const data::Dataset& data) {
  return [counts = popularity(data)](std::span<const std::int64_t> users) {
    return rows_of(counts, users.size());
  };
}

Scorer markov_scorer(const data::Dataset& data, data::Split split) {
  using Followers = std::unordered_map<std::int32_t, float>;
  const auto followers = std::make_shared<std::vector<Followers>>(static_cast<std::size_t>(data.items() + 1));
  for (std::int64_t u = 0; u < data.users(); ++u) {
    const data::Items items = data.train(u);
    for (std::size_t t = 1; t < items.size(); ++t)
      ++(*followers)[static_cast<std::size_t>(items[t - 1])][items[t]];
  }
  // Popularity scaled below 1/2 breaks ties between equal counts and orders the rest.
  std::vector<float> base = popularity(data);
  const float top = *std::max_element(base.begin(), base.end());
  for (auto& x : base) x /= 2 * top + 1;
  return [&data, split, followers, base](std::span<const std::int64_t> users) {
    Tensor scores = rows_of(base, users.size());
    for (std::size_t i = 0; i < users.size(); ++i) {
      float* row = scores.data<float>() + i * base.size();
      const std::int32_t last = data.history(users[i], split).back();
      for (const auto& [item, count] : (*followers)[static_cast<std::size_t>(last)]) {
        row[static_cast<std::size_t>(item)] += count;
      }
    }
    return scores;
  };
}

}  // namespace lrurec::eval
