#pragma once
// Sums and softmax over the tokens of each sequence of a packed batch.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// y[s] = sum of x[t] over the tokens t of sequence s, added in their order and in double; 0 for an empty
/// sequence. x: [tokens, W] f32 f64 c64 c128, offsets: i64 [S + 1] (see linear_scan) -> [S, W].
/// Backward: dx[t] = dy[s].
Variable segment_sum(const Variable& x, const IndexTensor& offsets);

/// y[t] = x[s] for the tokens t of sequence s.  x: [S, W] -> [tokens, W], the transpose of segment_sum.
/// Backward: dx[s] = sum of dy[t], added in double.
Variable segment_spread(const Variable& x, const IndexTensor& offsets);

/// y[t] = exp(x[t]) / sum of exp(x[t']) over the tokens t' of t's sequence, each column by itself (computed
/// after subtracting the maximum).  x: [tokens, W] f32 f64 -> [tokens, W].
/// Backward: dx[t] = y[t] (dy[t] - sum_t' dy[t'] y[t']).
Variable segment_softmax(const Variable& x, const IndexTensor& offsets);

namespace raw {
Tensor segment_sum(const Tensor& x, const IndexTensor& offsets);
Tensor segment_spread(const Tensor& x, const IndexTensor& offsets);
Tensor segment_softmax(const Tensor& x, const IndexTensor& offsets);
}  // namespace raw

}  // namespace lrurec::ops
