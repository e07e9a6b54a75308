#pragma once
// Baselines that cost nothing, so that a broken model is obvious beside them.

#include "lrurec/eval/evaluate.h"
#include "lrurec/eval/sampled.h"

namespace lrurec::eval {

/// Score = number of training interactions of the item.
Scorer popularity_scorer(const data::Dataset& data);

CandidateScorer popularity_candidate_scorer(const data::Dataset& data);

/// Score = number of times the item followed the user's last item in training; items that never did are
/// ordered below those by popularity.
Scorer markov_scorer(const data::Dataset& data, data::Split split);
CandidateScorer markov_candidate_scorer(const data::Dataset& data, data::Split split);

}  // namespace lrurec::eval
