#pragma once
// The weighted key-value mean of RWKV-4 (Peng et al., 2023), a recurrence in place of attention.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// For each channel and token t of a sequence, with S_0 = Z_0 = 0:
///
///   y_t = (S_{t-1} + e^{u + k_t} v_t) / (Z_{t-1} + e^{u + k_t})
///   S_t = e^{-w} S_{t-1} + e^{k_t} v_t
///   Z_t = e^{-w} Z_{t-1} + e^{k_t}
///
/// so y_t is a mean of the values so far, weighted by e^k, by age (w) and by a bonus for the newest (u).
///
/// k, v: [tokens, H], w (at least 0) and u: [H], f32 f64; offsets: i64 [S + 1] (see linear_scan) -> [tokens,
/// H]. S and Z are carried as multiples of e^m with a running maximum m, so that no k is too large.
///
/// Backward, with D_t the denominator, gN_t = dy_t / D_t, gD_t = -y_t gN_t and, from the end of a sequence,
/// G_t = gN_{t+1} + e^{-w} G_{t+1} (of S_t), G'_t likewise with gD (of Z_t):
///
///   dv_t = e^{k_t} (G_t + e^u gN_t)
///   dk_t = e^{k_t} ((G_t + e^u gN_t) v_t + G'_t + e^u gD_t)
///   du   = sum e^{u + k_t} (gN_t v_t + gD_t)
///   dw   = -sum e^{-w} (G_t S_{t-1} + G'_t Z_{t-1})
Variable wkv(const Variable& k, const Variable& v, const Variable& w, const Variable& u,
             const IndexTensor& offsets);

/// The same by two scans, without the running maximum: for readers and tests.
Variable wkv_composed(const Variable& k, const Variable& v, const Variable& w, const Variable& u,
                      const IndexTensor& offsets);

namespace raw {
struct WkvResult {
  Tensor y, state;
};
/// `state`: S e^-m, Z e^-m and m of every channel before the first token, [S, 3 H]; undefined: no tokens
/// before. It is not changed; the result has the state after the last token.
WkvResult wkv(const Tensor& k, const Tensor& v, const Tensor& w, const Tensor& u, const IndexTensor& offsets,
              const Tensor& state = {});
/// The state before any token.
Tensor wkv_state(std::int64_t sequences, std::int64_t H, DType dtype, Device device);
}  // namespace raw

}  // namespace lrurec::ops
