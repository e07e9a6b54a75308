#pragma once
// The causal depthwise convolution in front of a gated recurrence (Mamba, RG-LRU).

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// y_t[d] = bias[d] + sum_{k = 0}^{K-1} weight[k, d] x_{t-k}[d] within each sequence, zeros before its first
/// token. x: [tokens, D]; weight: [K, D], K >= 1; offsets: i64 [S + 1] (see linear_scan); bias: [D] or
/// undefined. f32 or f64, one dtype.
///
/// weight[k] is applied to the token k places back. PyTorch's Conv1d(D, D, K, groups=D, padding=K-1), cut to
/// the first L places, has its weights [D, 1, K] in the order of time: weight[k, d] here is [d, 0, K-1-k]
/// there.
///
/// To go on where a sequence stopped, put its last K - 1 inputs before the new ones and drop the first K - 1
/// rows of the result. So a step of inference is a sequence of K tokens, whose last row is the new output.
///
/// Backward: dx_t = sum_k weight[k] dy_{t+k} up to the last token, dweight[k] = sum_t dy_t x_{t-k},
/// dbias = sum_t dy_t.
Variable conv1d(const Variable& x, const Variable& weight, const IndexTensor& offsets,
                const Variable& bias = {});

/// The same by K shifts: for readers and tests.
Variable conv1d_composed(const Variable& x, const Variable& weight, const IndexTensor& offsets,
                         const Variable& bias = {});

namespace raw {
Tensor conv1d(const Tensor& x, const Tensor& weight, const IndexTensor& offsets, const Tensor& bias = {});
}  // namespace raw

}  // namespace lrurec::ops
