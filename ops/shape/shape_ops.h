#pragma once
// Views and rearrangements with gradients. Every dtype that carries a gradient; the result shares memory with
// x where it can (see the same functions of Tensor).

#include "autograd/variable.h"

namespace lrurec::ops {

/// Same elements under another shape; one size may be -1.
Variable reshape(const Variable& x, const Shape& shape);
Variable transpose(const Variable& x, int dim0, int dim1);
/// Dimension d of the result is dimension dims[d] of x; all are named.
Variable permute(const Variable& x, const std::vector<int>& dims);
/// A dimension of size 1 more (before what is dimension dim now), or one less.
Variable unsqueeze(const Variable& x, int dim);
Variable squeeze(const Variable& x, int dim);
Variable broadcast_to(const Variable& x, const Shape& shape);
/// Elements in reverse order along each dimension named; a copy.
Variable flip(const Variable& x, const std::vector<int>& dims);

/// Elements start, start + step, ... below end of dimension dim; 0 <= start <= end <= its size.
Variable slice(const Variable& x, int dim, std::int64_t start, std::int64_t end, std::int64_t step = 1);
/// One index of a dimension, which disappears; -1 is the last.
Variable select(const Variable& x, int dim, std::int64_t index);
/// y = x with `values` at start .. end - 1 of dimension dim; x itself stays. (What x[:, start:end] = values
/// does in place elsewhere.) values: a shape that stretches to that of the slice; not complex where x is
/// real. Backward: dx = dy, but 0 where it was written over; dvalues = dy of the slice, summed back to its
/// shape.
Variable slice_assign(const Variable& x, int dim, std::int64_t start, std::int64_t end,
                      const Variable& values);

/// Parts of `size` along dimension dim, the last one smaller where it does not divide: views. Of an empty
/// dimension there is one part, which is empty. Backward makes the gradient of x once, from those of all
/// parts (0 for one that nothing used).
Variables split(const Variable& x, std::int64_t size, int dim);
/// select(x, dim, 0), select(x, dim, 1), ...: a loop over time walks these; none where the dimension is
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
