#pragma once
// Prediction layer and loss in one (equations 10 and 1), for catalogues whose logits are too many to store.

#include "autograd/variable.h"
#include "ops/linear_cross_entropy/head_algorithm.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// cross_entropy(linear(x, weight, bias), labels), computed by chunks of tokens so that the logits [tokens,
/// C] never exist as a whole.
///
/// x: [tokens, H], weight: [C, H], bias: [C], f32 or f64; labels: i64 [tokens], -1 = no label -> scalar.
/// No label at all, or a label out of range, is an error. `chunk_tokens` is how many tokens are taken
/// together (two_pass: how many classes, then tokens, go to one block of threads); 0 chooses.
///
/// Backward, with n tokens that have a label and P = (softmax(x W^T + b) - onehot) / n:  dx = P W dL,
/// dW = P^T x dL,  db = column sums of P dL. When a gradient is needed, the products with P are computed in
/// the forward pass, while a tile of P is at hand, and backward only scales them. The bits do not depend on
/// the number of threads.
Variable linear_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias,
                              const IndexTensor& labels, std::int64_t chunk_tokens = 0,
                              HeadAlgorithm algorithm = HeadAlgorithm::chunked);

}  // namespace lrurec::ops
