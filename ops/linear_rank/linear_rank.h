#pragma once
// Ranks of targets among all classes of a prediction layer, without sorting and without storing scores.

#include <string_view>

#include "tensor/index_tensor.h"

namespace lrurec::ops::raw {

/// The classes that are not candidates, for each row: row i excludes classes[offsets[i]] to
/// classes[offsets[i+1]-1], which are in 0..C-1 and in rising order, each once.
struct ExcludedClasses {
  IndexTensor offsets;  ///< i64 [n + 1]
  IndexTensor classes;  ///< i64 [offsets[n]]
  /// Throws an error of `op` that names the row where this does not hold for n rows and C classes.
  void check(std::string_view op, std::int64_t n, std::int64_t C) const;
};

struct LinearRanks {
  Tensor ranks;   ///< i64 [n]: 1 + other candidates scored at or above the target
  Tensor losses;  ///< real [n]: log_sum_exp(scores) - score of the target, over all classes; undefined unless
                  ///< asked
};

/// The rank of each row's target by the scores x W^T + b. Ties count against the target, so that a constant
/// scorer cannot look good.
///
/// x: [n, H], W: [C, H], b: [C], f32 or f64; targets: i64 [n]. A row that excludes its target is an error. A
/// score that is not finite throws ErrorKind::non_finite. Targets and excluded classes may be on either
/// device. Ranks and losses are on the CPU, after one wait.
///
/// Scores have the same bits as those of linear_top_k, wherever a row stands in x (on a GPU: within a call).
LinearRanks linear_ranks(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const IndexTensor& targets, const ExcludedClasses& excluded,
                         bool with_losses = false);

}  // namespace lrurec::ops::raw
