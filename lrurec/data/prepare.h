#pragma once
// From raw interactions to a data set: ordered, repeats dropped, filtered, numbered.

#include <optional>
#include <string>

#include "lrurec/data/dataset.h"
#include "lrurec/data/interactions.h"

namespace lrurec::data {

/// Which users and items are kept.
struct Filter {
  enum class Kind {
    none,
    once,   ///< one pass: items with at least `least` interactions, then users with at least `least` of what
            ///< is left
    kcore,  ///< the same again and again until nothing changes
  };
  Kind kind = Kind::none;
  std::int64_t least = 5;

  /// "none", "once:5", "kcore:5"; anything else is ErrorKind::usage.
  static Filter parse(const std::string& text);
  std::string str() const;
};

/// How interactions of one user at the same time are ordered. Sorting them by item id creates patterns that
/// are not in the data. On ML-1M they are worth about +20% NDCG, and its published results use them.
enum class Ties {
  file,     ///< as they stand in the file
  hash,     ///< by a hash of user and item: arbitrary, and free of patterns
  item_id,  ///< by raw item id, whole numbers by value before texts: the paper's MovieLens
};
Ties parse_ties(const std::string& text);
std::string_view name(Ties ties);

/// How interactions are split into training, validation and test.
struct SplitRule {
  /// leave-last-out: each user's last item is the test target, the one before the validation target.
  bool by_time = false;
  /// By time: the shares of all interactions that lie before validation and before test begin. Interactions
  /// before validation begins are for training. The targets are each user's first item of the validation
  /// period and first item of the test period, so nothing of the future is trained on.
  double validation_from = 0.8, test_from = 0.9;

  /// "leave-last", "time" or "time:0.8,0.9"; anything else is ErrorKind::usage.
  static SplitRule parse(const std::string& text);
  std::string str() const;
};

/// Whether times fall more often than they rise from one row of a user to the next in the file. Such a file
/// is newest first, and Ties::file keeps equal times in its reversed order.
bool mostly_newest_first(const Interactions& rows);

/// Makes a data set, in these steps:
///
///   0. with min_rating (which needs Interactions::rating), rows rated below it are dropped
///   1. each user's rows are brought together and sorted by time; without times they stay in file order
///   2. a row with the item of the user's row before it is dropped
///   3. the filter
///   4. the users and items that are left are numbered in the order of their raw ids (whole numbers by value,
///      then texts), items from 1
///   5. the split
///
/// Nothing left, no rating of min_rating or more, and nobody with a target after a split by time are
/// ErrorKind::data. A split by time of rows without times is ErrorKind::usage.
Dataset prepare(const Interactions& rows, const Filter& filter, Ties ties,
                std::optional<double> min_rating = {}, const SplitRule& split = {});

}  // namespace lrurec::data
