#pragma once
// The best classes of a prediction layer for few rows, without storing and without sorting all scores.

#include <memory>

#include "ops/linear_rank/linear_rank.h"
#include "ops/top_k/top_k.h"

namespace lrurec::ops::kernels {
class ClassCodes;
}

namespace lrurec::ops::raw {

/// A copy of W [C, H] and b [C], f32 or f64, prepared for scoring; later changes of W are not seen. On a CPU
/// in f32 it also has codes of 7 bits, by which most classes are passed over (class_codes.h).
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

/// For each row of x [n, H], the k classes with the largest scores x W^T + b among those that are not
/// excluded. They come in falling order, equal scores in the order of their class -> indices i64 [n, k],
/// values [n, k]. Where a row has fewer candidates, the rest is -1 and -infinity.
///
/// A score that is not finite throws ErrorKind::non_finite. x and the classes are on one device; the result
/// is on the CPU. `scored`, where given, is increased by the number of scores that were computed in full,
/// which are few on a CPU.
///
/// Scores have the same bits as those of linear_ranks, for one row and for many (on a GPU: within a call).
TopK linear_top_k(const Tensor& x, const ClassTable& classes, std::int64_t k, const ExcludedClasses& excluded,
                  std::int64_t* scored = nullptr);

}  // namespace lrurec::ops::raw
