#pragma once
// Causal attention with additive scores (Bahdanau et al., 2015; NARM, Li et al., 2017).

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// For each token t, over the tokens j of its sequence up to and including t:
///
///   e_tj = v . sigmoid(q_t + k_j)
///   w_tj = exp(e_tj) / sum_j' exp(e_tj')
///   c_t  = sum_j w_tj h_j
///
/// q, k: [tokens, A], v: [A], h: [tokens, D], f32 or f64; offsets: i64 [S + 1] (see linear_scan) ->
/// c: [tokens, D]. Time is quadratic in the length of a sequence, memory linear in tokens.
///
/// Backward, with s = sigmoid(q_t + k_j):
///
///   dh_j = sum_t w_tj dc_t,  de_tj = w_tj (dc_t . h_j - dc_t . c_t),  dv = sum de_tj s
///   dq_t = sum_j de_tj v s (1 - s),  dk_j = sum_t de_tj v s (1 - s)
Variable additive_attention(const Variable& q, const Variable& k, const Variable& v, const Variable& h,
                            const IndexTensor& offsets);

/// The same by operations on lists of all pairs (t, j): for readers and tests.
Variable additive_attention_composed(const Variable& q, const Variable& k, const Variable& v,
                                     const Variable& h, const IndexTensor& offsets);

}  // namespace lrurec::ops
