#pragma once
// GradientSum: the sum of the gradients that flow into one place.

#include "tensor/tensor.h"

namespace lrurec {

/// A value that several operations use gets a gradient from each, and their sum is its gradient. The first is
/// kept as it is, without a copy. It may be memory that others see too, or a broadcast of a smaller tensor,
/// and must not be written to then; so the second one is added to a copy. Later ones are added in place.
class GradientSum {
 public:
  GradientSum() = default;
  explicit GradientSum(const Tensor& gradient) : total_(gradient) {}

  /// Undefined as long as nothing was added.
  const Tensor& total() const { return total_; }

  void add(const Tensor& gradient) {
    if (!total_.defined()) {
      total_ = gradient;
      return;
    }
    if (!may_write()) total_ = total_.clone();
    total_.add_(gradient);
  }

  /// Of a leaf: what the user gets must be dense and memory of its own, whatever an operation handed on.
  void own() {
    if (total_.defined() && !may_write()) total_ = total_.clone();
  }

  /// The total where it may be written to, else null: for a gradient that adds itself (see AddInto).
  Tensor* writable() { return total_.defined() && may_write() ? &total_ : nullptr; }

 private:
  bool may_write() const { return !total_.shares_memory() && total_.is_contiguous(); }

  Tensor total_;
};

}  // namespace lrurec
