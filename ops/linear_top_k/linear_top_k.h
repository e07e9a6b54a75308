#pragma once
// The best classes of a prediction layer for few rows, without storing and without sorting all scores.

#include "ops/linear_rank/linear_rank.h"
#include "ops/top_k/top_k.h"

namespace lrurec::ops::raw {

/// W [C, H] and b [C] laid out for scoring: W^T by tiles of classes, so that one row of x meets many classes
/// at once. On a GPU W itself. A copy; later changes of W are not seen.
class ClassTiles {
 public:
  ClassTiles(const Tensor& weight, const Tensor& bias);

  std::int64_t classes() const { return bias_.size(0); }
  std::int64_t width() const { return width_; }
  Device device() const { return bias_.device(); }
  DType dtype() const { return bias_.dtype(); }
  /// [tiles, H, tile width], zeros beyond the last class; on a GPU [C, H].
  const Tensor& tiles() const { return tiles_; }
  const Tensor& bias() const { return bias_; }  ///< [C]

 private:
  std::int64_t width_;
  Tensor tiles_, bias_;
};

/// The k classes with the largest scores x W^T + b of each row of x [n, H] that are not excluded, in falling
/// order, equal scores in the order of their number -> indices i64 [n, k], values [n, k]; where a row has
/// fewer candidates the rest is -1 and -infinity. A score that is not finite is ErrorKind::non_finite. Scores
/// have the same bits as those of linear_ranks, for one row and for many (on a GPU: within a call). x and the
/// classes are on one device; what comes out is on the CPU.
TopK linear_top_k(const Tensor& x, const ClassTiles& classes, std::int64_t k,
                  const ExcludedClasses& excluded);

}  // namespace lrurec::ops::raw
