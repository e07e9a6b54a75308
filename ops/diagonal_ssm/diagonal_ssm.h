#pragma once
// Diagonal state spaces, a set of states for each channel (S4D: Gu et al., 2022).

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// For each channel h with N states, and each token t of a sequence, with s_0 = 0:
///
///   s_tn = lambda_hn s_{t-1,n} + u_th
///   y_th = 2 Re sum_n c_hn s_tn
///
/// The N states are one half of N conjugate pairs, which is enough for real u and y. u: [tokens, H], f32 or
/// f64; lambda, c: [H, N], of the matching complex dtype; offsets: i64 [S + 1] (see linear_scan) -> y:
/// [tokens, H].
///
/// The states of all tokens, N complex numbers for each number of u, are never stored, except by the backward
/// pass on a GPU while it runs.
///
/// Backward, from the end of a sequence:
///
///   g_tn = conj(lambda_hn) g_{t+1,n} + 2 conj(c_hn) dy_th
///   du_th = sum_n Re g_tn,  dlambda_hn = sum_t g_tn conj(s_{t-1,n}),  dc_hn = sum_t 2 dy_th conj(s_tn)
Variable diagonal_ssm(const Variable& u, const Variable& lambda, const Variable& c,
                      const IndexTensor& offsets);

/// The same by a scan of [tokens, H N]: for readers and tests.
Variable diagonal_ssm_composed(const Variable& u, const Variable& lambda, const Variable& c,
                               const IndexTensor& offsets);

namespace raw {
struct DiagonalSsmResult {
  Tensor y, state;
};
/// `state`: the states before the first token, complex [S, H N], or undefined for zeros; it is not changed.
/// The result has the states after the last token.
DiagonalSsmResult diagonal_ssm(const Tensor& u, const Tensor& lambda, const Tensor& c,
                               const IndexTensor& offsets, const Tensor& state = {});
}  // namespace raw

}  // namespace lrurec::ops
