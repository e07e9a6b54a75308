#pragma once
// State spaces whose matrix is diagonal plus low rank, a set of states for each channel (S4: Gu et al.,
// 2022).

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// For each channel h with N states, and each token t of a sequence, with s_0 = 0:
///
///   rho_th = 2 Re sum_n f_hn s_{t-1,n}
///   s_tn = a_hn s_{t-1,n} - e_hn rho_th + b_hn u_th
///   y_th = 2 Re sum_n c_hn s_tn
///
/// The N states are one half of N conjugate pairs, which is enough for real u and y. The matrix of a step is
/// diag(a) - e f^T and the part of the other half, so a step takes N work instead of N^2. u: [tokens, H], f32
/// or f64; a, e, f, b, c: [H, N], of the matching complex dtype; offsets: i64 [S + 1] (see linear_scan) -> y:
/// [tokens, H].
///
/// Backward, from the end of a sequence, where drho_t = -Re sum_n conj(e_hn) g_tn:
///
///   g_tn = conj(a_hn) g_{t+1,n} + 2 conj(f_hn) drho_{t+1} + 2 conj(c_hn) dy_th
///   du_th = Re sum_n conj(b_hn) g_tn
///   da = sum_t g_t conj(s_{t-1}), de = -sum_t g_t rho_t, df = sum_t 2 drho_t conj(s_{t-1}),
///   db = sum_t g_t u_t, dc = sum_t 2 dy_t conj(s_t)
struct DplrMatrices {
  Variable a, e, f, b, c;
};
Variable dplr_ssm(const Variable& u, const DplrMatrices& m, const IndexTensor& offsets);

/// The same by its equations, token by token: for readers and tests.
Variable dplr_ssm_composed(const Variable& u, const DplrMatrices& m, const IndexTensor& offsets);

namespace raw {
struct DplrSsmResult {
  Tensor y, state;
};
/// `state`: the states before the first token, complex [S, H N], or undefined for zeros; it is not changed.
/// The result has the states after the last token.
DplrSsmResult dplr_ssm(const Tensor& u, const DplrMatrices& m, const IndexTensor& offsets,
                       const Tensor& state = {});
}  // namespace raw

}  // namespace lrurec::ops
