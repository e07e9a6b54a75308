#pragma once
// Reductions over one, several or all dimensions.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y = sum of x over `dims` (all when empty). Reduced dimensions disappear, or stay with size 1 with
/// `keep_dims`. f32 f64 c64 c128; accumulated one precision up, in an order that does not depend on the
/// thread count.
Variable sum(const Variable& x, const std::vector<int>& dims = {}, bool keep_dims = false);

/// y = sum / number of reduced elements. The mean of no elements is NaN.
Variable mean(const Variable& x, const std::vector<int>& dims = {}, bool keep_dims = false);

/// Largest element along one dimension; f32 f64. The gradient goes to the first of equal elements.
/// An empty dimension is an error; a NaN is the maximum.
Variable max(const Variable& x, int dim, bool keep_dims = false);

namespace raw {
Tensor sum(const Tensor& x, const std::vector<int>& dims = {}, bool keep_dims = false);
Tensor mean(const Tensor& x, const std::vector<int>& dims = {}, bool keep_dims = false);
Tensor max(const Tensor& x, int dim, bool keep_dims = false);
/// Index (i64) of the largest element along one dimension, the first of equal ones.
Tensor argmax(const Tensor& x, int dim, bool keep_dims = false);
}  // namespace raw

}  // namespace lrurec::ops
