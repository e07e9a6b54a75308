#pragma once
// Views and rearrangements with gradients, for every dtype that carries one. The result shares memory with x
// where it can (see the same functions of Tensor). Backward is the reverse rearrangement of dy.

#include "autograd/variable.h"

namespace lrurec::ops {

/// Same elements under another shape; one size may be -1.
Variable reshape(const Variable& x, const Shape& shape);
Variable transpose(const Variable& x, int dim0, int dim1);
/// Dimension d of the result is dimension dims[d] of x; all are named.
Variable permute(const Variable& x, const std::vector<int>& dims);
/// Adds a dimension of size 1 before dimension dim.
Variable unsqueeze(const Variable& x, int dim);
/// Removes dimension dim, whose size must be 1.
Variable squeeze(const Variable& x, int dim);
/// A view, stretched as in NumPy. Backward: dy summed over the stretched dimensions.
Variable broadcast_to(const Variable& x, const Shape& shape);
/// Elements in reverse order along each dimension named; a copy.
Variable flip(const Variable& x, const std::vector<int>& dims);

/// Elements start, start + step, ... below end of dimension dim; 0 <= start <= end <= its size. Backward: dx
/// is dy where the slice took an element, else 0.
Variable slice(const Variable& x, int dim, std::int64_t start, std::int64_t end, std::int64_t step = 1);
/// One index of a dimension, which disappears; -1 is the last. Backward as for slice().
Variable select(const Variable& x, int dim, std::int64_t index);
/// y = x with `values` at start .. end - 1 of dimension dim. x is not changed, unlike by x[:, start:end] =
/// values elsewhere. values: a shape that stretches to that of the slice; not complex where x is real.
/// Backward: dx is 0 where it was written over, else dy; dvalues is dy of the slice, summed back to the shape
/// of values.
Variable slice_assign(const Variable& x, int dim, std::int64_t start, std::int64_t end,
                      const Variable& values);

/// Views of x in parts of `size` along dimension dim, the last one smaller where `size` does not divide. An
/// empty dimension gives one part, which is empty. Backward makes the gradient of x once, from those of all
/// parts (0 for one that nothing used).
Variables split(const Variable& x, std::int64_t size, int dim);
/// select(x, dim, 0), select(x, dim, 1), ..., as a loop over time takes them; none where the dimension is
/// empty. Backward as for split().
Variables unbind(const Variable& x, int dim);
/// Joins tensors along dimension dim; the other sizes and the dtypes must agree.
Variable concat(const Variables& parts, int dim);
/// Joins tensors of one shape and dtype along a new dimension: the reverse of unbind().
Variable stack(const Variables& parts, int dim);

namespace raw {
Tensor slice_assign(const Tensor& x, int dim, std::int64_t start, std::int64_t end, const Tensor& values);
Tensors split(const Tensor& x, std::int64_t size, int dim);
Tensors unbind(const Tensor& x, int dim);
Tensor concat(const Tensors& parts, int dim);
Tensor stack(const Tensors& parts, int dim);
}  // namespace raw

}  // namespace lrurec::ops
