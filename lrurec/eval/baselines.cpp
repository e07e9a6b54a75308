#include "lrurec/eval/baselines.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

namespace lrurec::eval {
namespace {

std::vector<float> popularity(const data::Dataset& data) {
  const auto counts = training_counts(data);
  return {counts.begin(), counts.end()};
}

Tensor rows_of(const std::vector<float>& row, std::size_t n) {
  return Tensor::from(row)
      .unsqueeze(0)
      .broadcast_to({static_cast<std::int64_t>(n), std::ssize(row)})
      .contiguous();
}

/// score(i, item) of user i of the group for each of its candidates.
template <class F>
Tensor score_candidates(const Tensor& candidates, F&& score) {
  const Tensor ids = candidates.contiguous();
  const Tensor scores = Tensor::empty(candidates.shape(), DType::f32);
  const std::int64_t width = candidates.size(1);
  for (std::int64_t k = 0; k < ids.numel(); ++k) {
    scores.data<float>()[k] = score(static_cast<std::size_t>(k / width), ids.data<std::int64_t>()[k]);
  }
  return scores;
}

/// Counts of who follows whom, over a base that breaks ties and orders the rest.
struct Markov {
  using Followers = std::unordered_map<std::int32_t, float>;
  std::vector<Followers> followers;  ///< of each item
  std::vector<float> base;           ///< popularity scaled below 1/2

  explicit Markov(const data::Dataset& data)
      : followers(static_cast<std::size_t>(data.items() + 1)), base(popularity(data)) {
    for (std::int64_t u = 0; u < data.users(); ++u) {
      const data::Items items = data.train(u);
      for (std::size_t t = 1; t < items.size(); ++t)
        ++followers[static_cast<std::size_t>(items[t - 1])][items[t]];
    }
    const float top = *std::max_element(base.begin(), base.end());
    for (auto& x : base) x /= 2 * top + 1;
  }
  const Followers& of(std::int32_t last) const { return followers[static_cast<std::size_t>(last)]; }
};

}  // namespace

std::vector<std::int64_t> training_counts(const data::Dataset& data) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(data.items() + 1));
  for (std::int64_t u = 0; u < data.users(); ++u) {
    for (const auto item : data.train(u)) ++counts[static_cast<std::size_t>(item)];
  }
  return counts;
}

Scorer popularity_scorer(const data::Dataset& data) {
  return [counts = popularity(data)](std::span<const std::int64_t> users) {
    return rows_of(counts, users.size());
  };
}

CandidateScorer popularity_candidate_scorer(const data::Dataset& data) {
  return [counts = popularity(data)](std::span<const std::int64_t>, const Tensor& candidates) {
    return score_candidates(
        candidates, [&](std::size_t, std::int64_t item) { return counts[static_cast<std::size_t>(item)]; });
  };
}

Scorer markov_scorer(const data::Dataset& data, data::Split split) {
  return [&data, split, markov = std::make_shared<Markov>(data)](std::span<const std::int64_t> users) {
    const std::vector<float>& base = markov->base;
    Tensor scores = rows_of(base, users.size());
    for (std::size_t i = 0; i < users.size(); ++i) {
      float* row = scores.data<float>() + i * base.size();
      for (const auto& [item, count] : markov->of(data.history(users[i], split).back())) {
        row[static_cast<std::size_t>(item)] += count;
      }
    }
    return scores;
  };
}

CandidateScorer markov_candidate_scorer(const data::Dataset& data, data::Split split) {
  return [&data, split, markov = std::make_shared<Markov>(data)](std::span<const std::int64_t> users,
                                                                 const Tensor& candidates) {
    return score_candidates(candidates, [&](std::size_t i, std::int64_t item) {
      const auto& followers = markov->of(data.history(users[i], split).back());
      const auto it = followers.find(static_cast<std::int32_t>(item));
      return markov->base[static_cast<std::size_t>(item)] + (it == followers.end() ? 0 : it->second);
    });
  };
}

}  // namespace lrurec::eval
