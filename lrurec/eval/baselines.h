#pragma once
// Baselines that cost nothing, so that a broken model is obvious beside them.

#include "lrurec/eval/evaluate.h"
#include "lrurec/eval/sampled.h"

namespace lrurec::eval {

/// How often each item occurs in all users' training items, [|I| + 1]; item 0 never does.
std::vector<std::int64_t> training_counts(const data::Dataset& data);

/// Score = number of training interactions of the item; for all items, or for candidates only.
Scorer popularity_scorer(const data::Dataset& data);

CandidateScorer popularity_candidate_scorer(const data::Dataset& data);

/// Score = number of times the item followed the user's last item in training. Items that never did come
/// after those, by popularity.
Scorer markov_scorer(const data::Dataset& data, data::Split split);
CandidateScorer markov_candidate_scorer(const data::Dataset& data, data::Split split);

}  // namespace lrurec::eval
