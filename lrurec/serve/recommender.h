#pragma once
// The best next items of histories: the scores of an evaluation, asked for one by one or in batches.

#include <cstdint>
#include <span>
#include <vector>

#include "lrurec/model/model.h"
#include "lrurec/model/recommendation.h"
#include "ops/linear_top_k/linear_top_k.h"

namespace lrurec::serve {

struct Request {
  std::vector<std::int32_t> history{};   ///< items 1..|I|, oldest first; may be empty
  std::vector<std::int32_t> excluded{};  ///< items that must not come back, in any order
  std::int64_t k = 10;
  std::int64_t user = 0;  ///< 1..|U| of the data set, 0: somebody else
};

using model::Recommendation;

/// Keeps a copy of the items' vectors and biases, prepared for scoring. The model must outlive the
/// recommender.
class Recommender {
 public:
  /// max_length: L, the last items of a history that the model reads, as in its evaluation.
  Recommender(const model::Model& model, std::int64_t max_length);

  /// The k best items of each request, best first, equal scores in the order of item numbers; fewer if fewer
  /// are left. If the model needs its users (ModelInfo::needs_users), user 0 is ErrorKind::usage. Items out
  /// of range and k < 1 are ErrorKind::internal. `scored`: see ops::raw::linear_top_k.
  std::vector<std::vector<Recommendation>> recommend(std::span<const Request> requests,
                                                     std::int64_t* scored = nullptr) const;

 private:
  std::vector<std::vector<Recommendation>> recommend_group(std::span<const Request> requests,
                                                           std::int64_t* scored) const;

  const model::Model& model_;
  std::int64_t max_length_;
  ops::raw::ClassTable classes_;
};

}  // namespace lrurec::serve
