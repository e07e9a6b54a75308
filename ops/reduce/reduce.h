#pragma once
// Reductions over one, several or all dimensions.

#include <concepts>
#include <initializer_list>

#include "autograd/variable.h"

namespace lrurec::ops {

/// The dimensions that a reduction reduces: sum(x, 0), sum(x, {0, -1}); none named means all: sum(x).
class Dims {
 public:
  Dims() = default;
  // NOLINTBEGIN(google-explicit-constructor): they are to be typed as in the line above.
  Dims(int dim) : list_{dim} {}
  Dims(std::initializer_list<int> dims) : list_(dims) {}
  Dims(std::vector<int> dims) : list_(std::move(dims)) {}
  template <std::same_as<bool> T>
  Dims(T keep_dims) = delete;  ///< sum(x, true): the dimensions come first
  // NOLINTEND(google-explicit-constructor)

  const std::vector<int>& list() const { return list_; }

 private:
  std::vector<int> list_;
};

/// y = sum of x over `dims`. Reduced dimensions disappear, or with `keep_dims` stay with size 1. f32 f64 c64
/// c128; f32 and c64 are accumulated in double, in an order that does not depend on the thread count.
/// Backward: dx = dy in every reduced element.
Variable sum(const Variable& x, const Dims& dims = {}, bool keep_dims = false);

/// y = sum / n for n reduced elements. The mean of no elements is NaN. Backward: dx = dy / n.
Variable mean(const Variable& x, const Dims& dims = {}, bool keep_dims = false);

/// y = sum |x - mean x|^2 / max(n - correction, 0) over n reduced elements, real; f32 f64 c64 c128. For a
/// single element and the usual correction of 1 it is NaN. Made of recorded operations, whose gradients it
/// has.
Variable var(const Variable& x, const Dims& dims = {}, double correction = 1, bool keep_dims = false);
/// var(x, 1, true) would be a correction of 1: keep_dims stands behind it.
template <std::same_as<bool> T>
Variable var(const Variable& x, const Dims& dims, T keep_dims, bool = false) = delete;

/// y = (sum |x|^2)^(1/2), real; f32 f64 c64 c128. Squares of f32 and c64 are taken and added in f64, so that
/// only a result beyond f32 is infinite. Backward: dx = dy x / y, and 0 where y = 0.
Variable norm(const Variable& x, const Dims& dims = {}, bool keep_dims = false);

/// y = log sum e^x; f32 f64. Computed after subtracting the maximum. Without elements, and for minus
/// infinities alone, it is -inf. Backward: dx = dy e^(x - y), and 0 where y = -inf.
Variable logsumexp(const Variable& x, const Dims& dims = {}, bool keep_dims = false);

/// Largest and smallest element along one dimension; f32 f64. The gradient goes to the first of equal
/// elements. An empty dimension is an error; a NaN is the maximum, and the minimum.
Variable max(const Variable& x, int dim, bool keep_dims = false);
Variable min(const Variable& x, int dim, bool keep_dims = false);
/// max(x, 0.0) would be that along dimension 0: maximum() and minimum() compare elements.
template <std::floating_point T>
Variable max(const Variable& x, T number, bool keep_dims = false) = delete;
template <std::floating_point T>
Variable min(const Variable& x, T number, bool keep_dims = false) = delete;

namespace raw {
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keep_dims = false);
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keep_dims = false);
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keep_dims = false);
template <std::same_as<bool> T>
Tensor var(const Tensor& x, const Dims& dims, T keep_dims, bool = false) = delete;
Tensor norm(const Tensor& x, const Dims& dims = {}, bool keep_dims = false);
Tensor logsumexp(const Tensor& x, const Dims& dims = {}, bool keep_dims = false);
Tensor max(const Tensor& x, int dim, bool keep_dims = false);
Tensor min(const Tensor& x, int dim, bool keep_dims = false);
/// Index (i64) of the largest (smallest) element along one dimension, the first of equal ones.
Tensor argmax(const Tensor& x, int dim, bool keep_dims = false);
Tensor argmin(const Tensor& x, int dim, bool keep_dims = false);
}  // namespace raw

}  // namespace lrurec::ops
