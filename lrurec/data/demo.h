#pragma once
// The demonstration data set: generated from a seed, with a known best possible score.

#include <cstdint>

#include "lrurec/data/dataset.h"

namespace lrurec::data {

/// Shape of the data. The defaults are the demonstration; any other shape serves benchmarks.
struct DemoShape {
  std::int64_t users = 2500;
  std::int64_t items = 500;
  double mean_length = 30;     ///< of a user's sequence; at least 5 each
  bool equal_lengths = false;  ///< all sequences of the mean length, as in logs that were cut
  std::int64_t classes = 8;
  std::uint64_t seed = 1;
};

/// Sequences whose next item depends on the last two, not on the last alone.
///
/// Items belong to classes, by chance. The class of the next item is T[class of x_{t-2}][class of x_{t-1}]
/// with probability 0.85, else any class alike. T is a Latin square: given one of its two arguments, every
/// outcome is as likely, so the last item alone tells nothing about the next class. Within the class an item
/// is drawn with Zipf weight 1 / rank. A user takes no item twice: the probabilities are those of the unseen
/// items, scaled to sum 1.
///
/// The distribution of the next item given the whole history is known, so the best possible Recall@10 is the
/// mean probability of the ten likeliest unseen items. It is stored in the protocol's facts as
/// best_possible_recall10_val / _test, beside what that optimal ranking reaches on the drawn targets
/// (optimal_ranking_recall10_val / _test). Impossible shapes are ErrorKind::usage.
Dataset make_demo(const DemoShape& shape);

/// The process itself, for tests and for scoring with the truth.
class DemoProcess {
 public:
  explicit DemoProcess(const DemoShape& shape);

  /// Next item of user `user` at position `history.size()`, a function of the seed and these arguments.
  std::int32_t draw_next(std::int64_t user, Items history) const;
  /// P(next = item | history) of every item 1..|I|, at [item - 1].
  std::vector<double> next_distribution(Items history) const;

  struct Likeliest {
    std::vector<std::int32_t> items;  ///< up to k unseen items, likeliest first
    double probability = 0;           ///< their sum
  };
  Likeliest likeliest(Items history, std::int64_t k) const;

 private:
  std::int64_t class_of(std::int32_t item) const { return class_of_[static_cast<std::size_t>(item - 1)]; }
  /// Probability of a class before unseen items are singled out.
  double class_probability(std::int64_t next, Items history) const;
  /// The class that T gives, or -1 while there are fewer than two items.
  std::int64_t table_class(Items history) const;
  double item_weight(std::int32_t item, Items history) const;

  DemoShape shape_;
  std::vector<std::int64_t> class_of_;              ///< [items]
  std::vector<std::vector<std::int32_t>> members_;  ///< of each class, heaviest first
  std::vector<std::vector<double>> cumulative_;     ///< cumulated weights of the members, ending at 1
  std::vector<double> weight_;                      ///< [items] weight within the class
  std::vector<std::int64_t> first_, second_;        ///< permutations that make the Latin square
};

}  // namespace lrurec::data
