#include "lrurec/serve/recommender.h"

#include <algorithm>

#include "tensor/error.h"

namespace lrurec::serve {
namespace {

void check(const Request& request, std::int64_t items) {
  const auto known = [&](std::int32_t item) { return item >= 1 && item <= items; };
  for (const auto* list : {&request.history, &request.excluded}) {
    const auto bad = std::find_if_not(list->begin(), list->end(), known);
    if (bad != list->end()) fail(ErrorKind::internal, "[recommend] item {} is not in 1..{}", *bad, items);
  }
  if (request.k < 1) fail(ErrorKind::internal, "[recommend] k is {}", request.k);
}

}  // namespace

Recommender::Recommender(const model::Model& model, std::int64_t max_length)
    : model_(model),
      max_length_(model.input_length(max_length)),
      classes_(model.item_matrix().value(), model.item_bias().value()) {}

std::vector<std::vector<Recommendation>> Recommender::recommend(std::span<const Request> requests,
                                                                std::int64_t* scored) const {
  constexpr std::size_t most_requests = 1024, most_tokens = 16384;
  std::vector<std::vector<Recommendation>> results;
  for (std::size_t first = 0; first < requests.size();) {
    // As many requests at once as have results of some tens of megabytes: the largest k of them for each.
    constexpr std::int64_t most_results = std::int64_t{1} << 22;
    std::size_t n = 0, tokens = 0;
    std::int64_t k = 1;
    while (first + n < requests.size() && n < most_requests && tokens < most_tokens) {
      k = std::max(k, std::min(requests[first + n].k, model_.config().num_items));
      if (n > 0 && (static_cast<std::int64_t>(n) + 1) * k > most_results) break;
      tokens += std::min(requests[first + n++].history.size(), static_cast<std::size_t>(max_length_));
    }
    auto group = recommend_group(requests.subspan(first, n), scored);
    results.insert(results.end(), std::make_move_iterator(group.begin()),
                   std::make_move_iterator(group.end()));
    first += n;
  }
  return results;
}

std::vector<std::vector<Recommendation>> Recommender::recommend_group(std::span<const Request> requests,
                                                                      std::int64_t* scored) const {
  const NoGrad no_grad;
  data::PackedBatch histories;
  model::ExclusionList excluded;
  std::int64_t k = 1;
  for (const auto& request : requests) {
    check(request, model_.config().num_items);
    const auto length = std::min<std::int64_t>(std::ssize(request.history), max_length_);
    auto& items = histories.items;
    items.insert(items.end(), request.history.end() - length, request.history.end());
    if (length == 0) items.push_back(0);  // the start token
    histories.offsets.push_back(std::ssize(items));
    histories.users.push_back(request.user);
    excluded.add(request.excluded);
    k = std::max(k, std::min(request.k, model_.config().num_items));
  }
  const Tensor rows = model_.user_rows(data::to_tensors(histories, Device{})).value();
  const auto best = ops::raw::linear_top_k(rows, classes_, k, excluded.classes(), scored);
  const auto ids = best.indices.to_vector<std::int64_t>();
  const auto scores = best.values.to(DType::f64).to_vector<double>();
  const auto width = static_cast<std::size_t>(best.indices.size(1));
  std::vector<std::vector<Recommendation>> results(requests.size());
  for (std::size_t r = 0; r < requests.size(); ++r) {
    const auto count = std::min(width, static_cast<std::size_t>(requests[r].k));
    for (std::size_t i = r * width; i < r * width + count && ids[i] >= 0; ++i) {
      results[r].push_back({ids[i], scores[i]});
    }
  }
  return results;
}

}  // namespace lrurec::serve
