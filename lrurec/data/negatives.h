#pragma once
// Random items: negatives for training with a sampled softmax, candidates for sampled evaluation.

#include "lrurec/data/dataset.h"
#include "tensor/tensor.h"

namespace lrurec::data {

/// Items 1..num_items, uniform and with replacement, i64 of this shape: entry k is a function of (seed, step,
/// k) alone. They may include the labels, and do not include the start token.
Tensor draw_negatives(std::uint64_t seed, std::int64_t step, const Shape& shape, std::int64_t num_items);

/// `count` different items out of those of 1..num_items that are not in `excluded`, every such set equally
/// likely; all of them if there are no more than `count`. A function of the arguments alone. `key` separates
/// draws of one seed: 2 user + split (0: validation, 1: test).
std::vector<std::int64_t> draw_candidates(std::uint64_t seed, std::uint64_t key, std::int64_t count,
                                          std::int64_t num_items, Items excluded);

}  // namespace lrurec::data
