#pragma once
// Full-ranking evaluation: every item is a candidate.

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "lrurec/data/batches.h"
#include "lrurec/eval/metrics.h"
#include "lrurec/eval/protocol.h"
#include "lrurec/model/model.h"
#include "lrurec/model/recommendation.h"

namespace lrurec::eval {

/// Scores of all |I| + 1 items (f32 [users, |I| + 1]) for some users; column 0, the start token, is never
/// ranked.
using Scorer = std::function<Tensor(std::span<const std::int64_t> users)>;

struct Evaluation {
  Metrics metrics;
  /// Mean cross-entropy of the targets over all |I| + 1 classes; only where scores are logits.
  std::optional<double> loss;
  /// Rank of each target, in the order of EvaluateOptions::users, or else Dataset::evaluated_users(split).
  std::vector<std::int64_t> ranks;
  /// Negatives beside each target in a sampled evaluation (eval/sampled.h); 0: full ranking.
  std::int64_t sampled = 0;

  void add(std::int64_t rank) {
    metrics.add(rank);
    ranks.push_back(rank);
  }
  /// A metric's name as every output has it, since sampled metrics are not comparable with others:
  /// "sampled Recall@10".
  std::string label(const std::string& name) const { return (sampled > 0 ? "sampled " : "") + name; }
  /// Of a sampled evaluation: "10000 sampled".
  std::string candidates() const { return std::to_string(sampled) + " sampled"; }
};

/// Rank of `target` among the candidates: 1 + the number of other candidates scored at or above it, so that
/// ties count against the model and a constant scorer cannot look good. Candidates are all items but 0 and
/// those in `excluded`; a target among them cannot be recommended (Metrics::never). A score that is not a
/// number is ErrorKind::non_finite.
std::int64_t rank_of(std::span<const float> scores, std::int32_t target, data::Items excluded);

struct EvaluateOptions {
  data::Split split = data::Split::validation;
  std::int64_t max_length = 200;  ///< L: the last L items of the history are the model's input
  std::int64_t users_at_once =
      0;  ///< 0: as many as keep stored scores near 16 MiB and the input near 16k tokens (on a GPU 262k)
  bool with_loss = false;
  Mask mask = Mask::window;                  ///< items that are no candidates
  std::span<const std::int64_t> users = {};  ///< whose targets are ranked; empty: all that have one
};

/// Users that have a target; none is ErrorKind::data.
std::vector<std::int64_t> users_to_rank(const data::Dataset& data, data::Split split);
/// Those of EvaluateOptions::users, or else all that have a target.
std::vector<std::int64_t> users_of(const data::Dataset& data, data::Split split,
                                   std::span<const std::int64_t> users);
/// `count` of those that have a validation target, ascending: every such set is equally likely, and the seed
/// decides. All of them if there are no more, or if count is 0.
std::vector<std::int64_t> users_to_validate(const data::Dataset& data, std::int64_t count,
                                            std::uint64_t seed);

/// Items of the history that a mask takes out of the candidates.
data::Items masked_items(const data::Dataset& data, std::int64_t user, data::Split split, Mask mask,
                         std::int64_t max_length);

/// Ranks the target of every evaluated user; metrics are averaged over users (the published implementation
/// averages over batches, which gives a smaller last batch too much weight).
Evaluation evaluate(const data::Dataset& data, const Scorer& scorer, const EvaluateOptions& options);

/// The same for a model, without storing or sorting scores: ranks are counted while scores are computed.
/// LRURec's last block runs its second half for the last tokens only.
Evaluation evaluate(const data::Dataset& data, const model::Model& model, const EvaluateOptions& options);

/// The rows of some users' histories before the split's targets, [users, K].
Variable user_rows(const model::Model& model, const data::Dataset& data, std::span<const std::int64_t> users,
                   data::Split split, std::int64_t max_length);
/// The model's scores written out: those rows against all items.
Scorer model_scorer(const model::Model& model, const data::Dataset& data, data::Split split,
                    std::int64_t max_length);

}  // namespace lrurec::eval
