#pragma once
// The training loss (equation 1 of the paper).

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// Mean over rows with a label of -log softmax(logits)[label].
/// logits: [N, C], f32 or f64; labels: i64 [N] in 0..C-1, or -1 for a row that does not count -> scalar.
/// No label at all, or a label out of range, is an error.
/// Backward, with n rows that have a label: dlogits = (softmax(logits) - onehot) dL / n; 0 for other rows.
Variable cross_entropy(const Variable& logits, const IndexTensor& labels);

namespace raw {
Tensor cross_entropy(const Tensor& logits, const IndexTensor& labels);
}  // namespace raw

}  // namespace lrurec::ops
