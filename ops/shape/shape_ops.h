#pragma once
// Views and rearrangements with gradients. Every dtype that carries a gradient; the result shares memory with
// x where it can (see the same functions of Tensor).

#include "autograd/variable.h"

namespace lrurec::ops {

/// Same elements under another shape; one size may be -1.
Variable reshape(const Variable& x, const Shape& shape);
Variable transpose(const Variable& x, int dim0, int dim1);
/// Elements start, start + step, ... below end of dimension dim.
Variable slice(const Variable& x, int dim, std::int64_t start, std::int64_t end, std::int64_t step = 1);
Variable broadcast_to(const Variable& x, const Shape& shape);
/// Joins tensors along dimension dim; the other sizes and the dtypes must agree.
Variable concat(const Variables& parts, int dim);

namespace raw {
Tensor concat(const Tensors& parts, int dim);
}  // namespace raw

}  // namespace lrurec::ops
