#pragma once
// Elements taken from, and added to, places along one dimension.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// For dim = 1 of two dimensions: y[i, j] = x[i, index[i, j]]. y has the shape of index.
///
/// x: f32 f64 c64 c128. index: i64 of the rank of x, no larger than x in the other dimensions, with elements
/// in 0..n-1 where n = x.size(dim). An index out of range is an error that names its position in row-major
/// order.
///
/// Backward: dx = 0 with dy added by scatter_add, which on a GPU sorts at most 2^31 - 2 places.
Variable gather(const Variable& x, int dim, const IndexTensor& index);

/// For dim = 1 of two dimensions: y = x, then y[i, index[i, j]] += source[i, j].
///
/// x and index as in gather(); source: the shape of index and the dtype of x. (PyTorch takes a source larger
/// than index, but has no gradient for it.) Where an index occurs more than once, sums are taken in a fixed
/// order, so the bits do not depend on the number of threads. Backward: dx = dy, dsource = gather(dy, dim,
/// index).
Variable scatter_add(const Variable& x, int dim, const IndexTensor& index, const Variable& source);

namespace raw {
Tensor gather(const Tensor& x, int dim, const IndexTensor& index);
Tensor scatter_add(const Tensor& x, int dim, const IndexTensor& index, const Tensor& source);
}  // namespace raw

}  // namespace lrurec::ops
