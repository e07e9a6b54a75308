#pragma once
// Scaled dot-product attention within the sequences of a packed batch (Vaswani et al., 2017).

#include "autograd/variable.h"
#include "ops/dropout/dropout.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

struct AttentionOptions {
  std::int64_t heads = 1;
  bool causal = true;  ///< a token sees itself and those before it; else all of its sequence
  double dropout = 0;  ///< of the weights
  DropoutKey key = {};
};

/// For each head of width d = H / heads and each token t, over the tokens j of t's sequence that it sees:
///
///   w_tj = exp(q_t . k_j / sqrt d) / sum_j' exp(q_t . k_j' / sqrt d)
///   y_t  = sum_j m_tj w_tj v_j
///
/// with the dropout mask m. qkv: [tokens, 3 H], f32 or f64: q, k and v side by side, each with its heads side
/// by side; H is a multiple of the heads. offsets: i64 [S + 1] (see linear_scan) -> [tokens, H].
///
/// There is no padding, so every token sees one at least. Memory is linear in tokens: weights are computed in
/// tiles, and computed again in the backward pass.
///
/// m_tj is element (t, head, j - first token of the sequence) of the mask of `key` on a dense
/// [tokens, heads, length of the longest sequence].
///
/// Backward:
///
///   dv_j = sum_t m_tj w_tj dy_t,  ds_tj = w_tj (m_tj dy_t . v_j - dy_t . y_t)
///   dq_t = sum_j ds_tj k_j / sqrt d,  dk_j = sum_t ds_tj q_t / sqrt d
Variable attention(const Variable& qkv, const IndexTensor& offsets, const AttentionOptions& options);

/// The same written out, sequence by sequence and head by head, with all weights stored: for readers and
/// tests.
Variable attention_composed(const Variable& qkv, const IndexTensor& offsets, const AttentionOptions& options);

namespace raw {
Tensor attention(const Tensor& qkv, const IndexTensor& offsets, const AttentionOptions& options);
}  // namespace raw

}  // namespace lrurec::ops
