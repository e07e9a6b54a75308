#pragma once
// Sampled evaluation: the target is ranked among some random items. It costs as much as these items, not as
// the whole catalogue, and its metrics are not those of a full ranking (docs/protocol.md).

#include "lrurec/eval/evaluate.h"

namespace lrurec::eval {

/// Scores of some items only: candidates: i64 [users, k] -> f32 [users, k].
using CandidateScorer = std::function<Tensor(std::span<const std::int64_t> users, const Tensor& candidates)>;

struct SampledEvaluateOptions {
  data::Split split = data::Split::validation;
  std::int64_t max_length = 200;   ///< L, as in a full ranking
  std::int64_t negatives = 10000;  ///< candidates beside the target
  std::uint64_t seed = 1;          ///< candidates are a function of (seed, split, user)
  std::int64_t users_at_once = 0;  ///< 0: as many as keep scores near 16 MiB and the input near 16k tokens
  bool with_loss = false;          ///< cross-entropy of the target among its candidates
  Mask mask = Mask::window;        ///< items that are no candidates
  std::span<const std::int64_t> users = {};  ///< as in a full ranking
};

/// Rank of `target` among scores [1 + n], of the target and its candidates: 1 + the number of candidates at
/// or above it. A score that is not a number is ErrorKind::non_finite.
std::int64_t sampled_rank(std::span<const float> scores);

/// More negatives than items are ErrorKind::usage.
void check_negatives(std::int64_t negatives, std::int64_t items);

/// Ranks the target of every evaluated user among `negatives` different items, drawn uniformly from those
/// that a full ranking has as candidates: all but the target, the start token and what the mask takes out.
/// With as many negatives as there are such items this is the full ranking.
Evaluation evaluate_sampled(const data::Dataset& data, const CandidateScorer& scorer,
                            const SampledEvaluateOptions& options);

/// The model's scores of the candidates (Model::score).
CandidateScorer model_candidate_scorer(const model::Model& model, const data::Dataset& data,
                                       data::Split split, std::int64_t max_length);

}  // namespace lrurec::eval
