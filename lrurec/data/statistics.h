#pragma once
// What a data set is like: size, repetition, popularity.

#include "lrurec/data/dataset.h"

namespace lrurec::data {

struct Statistics {
  std::int64_t users = 0, items = 0, interactions = 0, evaluated_users = 0;
  double mean_length = 0, median_length = 0;
  std::int64_t longest = 0;
  double sparsity = 0;       ///< share of all pairs of a user and an item that never met
  double repeats = 0;        ///< share of interactions with an item that the user had before
  double top_1_percent = 0;  ///< share of interactions with the most popular 1% of the items
  double top_10_percent = 0;
  double gini = 0;                  ///< of interactions over items: 0 all alike, 1 all on one item
  std::int64_t unseen_targets = 0;  ///< test targets that no training sequence has
};
/// A data set without interactions is ErrorKind::data.
Statistics statistics(const Dataset& data);

/// The data set with the training items of every user in random order, a function of the seed; validation and
/// test items stay where they are.
Dataset shuffled(const Dataset& data, std::uint64_t seed);

}  // namespace lrurec::data
