#pragma once
// Ranks of targets among all classes of a prediction layer, without sorting and without storing scores.

#include <string_view>

#include "tensor/index_tensor.h"

namespace lrurec::ops::raw {

/// For each row the classes that are no candidates: row i excludes classes[offsets[i]] to
/// classes[offsets[i+1]-1], which are classes (0..C-1) in rising order, each once.
struct ExcludedClasses {
  IndexTensor offsets;  ///< i64 [n + 1]
  IndexTensor classes;  ///< i64 [offsets[n]]
  /// An error naming `op`, and the row, where that does not hold of n rows and C classes.
  void check(std::string_view op, std::int64_t n, std::int64_t C) const;
};

struct LinearRanks {
  Tensor ranks;   ///< i64 [n]: 1 + other candidates scored at or above the target
  Tensor losses;  ///< real [n]: log_sum_exp(scores) - score of the target, over all classes; undefined unless
                  ///< asked
};

/// Scores are x W^T + b. x: [n, H], W: [C, H], b: [C], f32 or f64; targets: i64 [n]; a row that excludes its
/// target is an error. Ties count against the target, so that a constant scorer cannot look good. A score
/// that is not finite is ErrorKind::non_finite. Scores have the same bits as those of linear_top_k, wherever
/// a row stands (on a GPU: within a call). Targets and excluded classes may be on either device. Ranks and
/// losses come out on the CPU, by one wait.
LinearRanks linear_ranks(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const IndexTensor& targets, const ExcludedClasses& excluded,
                         bool with_losses = false);

}  // namespace lrurec::ops::raw
