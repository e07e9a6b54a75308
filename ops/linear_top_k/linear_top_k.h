#pragma once
// The best classes of a prediction layer for few rows, without storing and without sorting all scores.

#include <memory>

#include "ops/linear_rank/linear_rank.h"
#include "ops/top_k/top_k.h"

namespace lrurec::ops::kernels {
class ClassCodes;
}

namespace lrurec::ops::raw {

/// W [C, H] and b [C] prepared for scoring. A copy; later changes of W are not seen. On a CPU in f32 also
/// codes of 7 bits, by which most classes are passed over (class_codes.h).
class ClassTable {
 public:
  ClassTable(const Tensor& weight, const Tensor& bias);

  std::int64_t classes() const { return weight_.size(0); }
  std::int64_t width() const { return weight_.size(1); }
  Device device() const { return bias_.device(); }
  DType dtype() const { return bias_.dtype(); }
  const Tensor& weight() const { return weight_; }                   ///< [C, H]
  const Tensor& bias() const { return bias_; }                       ///< [C]
  const kernels::ClassCodes* codes() const { return codes_.get(); }  ///< null where there are none

 private:
  Tensor weight_, bias_;
  std::shared_ptr<const kernels::ClassCodes> codes_;
};

/// The k classes with the largest scores x W^T + b of each row of x [n, H] that are not excluded, in falling
/// order, equal scores in the order of their number -> indices i64 [n, k], values [n, k]; where a row has
/// fewer candidates the rest is -1 and -infinity. A score that is not finite is ErrorKind::non_finite. Scores
/// have the same bits as those of linear_ranks, for one row and for many (on a GPU: within a call). x and the
/// classes are on one device; what comes out is on the CPU. `scored`, where given, grows by the scores that
/// were computed in full, which on a CPU are few.
TopK linear_top_k(const Tensor& x, const ClassTable& classes, std::int64_t k, const ExcludedClasses& excluded,
                  std::int64_t* scored = nullptr);

}  // namespace lrurec::ops::raw
