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
/// With P = (softmax(x W^T + b) - onehot) / n:  dx = P W,  dW = P^T x,  db = column sums of P. When a
/// gradient is asked for, these are computed in the forward pass, while a tile of P is at hand; backward only
/// scales them. `chunk_tokens` 0 chooses how many tokens are taken together (two_pass: how many classes, then
/// tokens, go to one block of threads). The bits do not depend on the number of threads.
Variable linear_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias,
                              const IndexTensor& labels, std::int64_t chunk_tokens = 0,
                              HeadAlgorithm algorithm = HeadAlgorithm::chunked);

}  // namespace lrurec::ops
