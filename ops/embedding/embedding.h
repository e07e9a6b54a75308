#pragma once
// Table look-up.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// y[t] = weight[ids[t]].  weight: [N, H] f32 f64 c64 c128, ids: i64 of any shape S in 0..N-1 -> [S..., H].
/// An id out of range is an error that names its position.
///
/// Backward: dweight[i] = sum of dy[t] over ids[t] = i. It is added in the order of t, so repeated ids give
/// the same bits with any number of threads, and in the dtype of weight: with 10^6 equal ids f32 keeps two or
/// three digits.
Variable embedding(const Variable& weight, const IndexTensor& ids);

namespace raw {
Tensor embedding(const Tensor& weight, const IndexTensor& ids);
}  // namespace raw

}  // namespace lrurec::ops
