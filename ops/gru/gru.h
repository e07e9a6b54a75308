#pragma once
// The gated recurrent unit over packed sequences (Cho et al., 2014; gates as in Hidasi et al., 2016).

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

struct GruResult {
  Variable h;  ///< [tokens, H]
  Variable
      final_state;  ///< [S, H], h after the last token of each sequence; of an empty one its initial state
};

/// For each token t, with h the state before it (h_{t-1}, or at the start of a sequence `initial`, else 0):
///
///   r   = sigmoid(g_r + U_r h)              g = (g_r, g_z, g_n) = W x_t + b, the part of the input
///   z   = sigmoid(g_z + U_z h)
///   n   = tanh(g_n + r * (U_n h + c))
///   h_t = (1 - z) * n + z * h
///
/// g: [tokens, 3 H], U: [3 H, H] (U_r, U_z, U_n one below the other), c: [H], offsets: i64 [S + 1] (see
/// linear_scan), initial: [S, H] or undefined. f32 f64.
///
/// Backward, from the last token of a sequence to its first, where m = U_n h + c and dh is the gradient of
/// h_t, from outside and from t + 1 together:
///
///   dn = dh (1 - z) (1 - n^2),  dz = dh (h - n) z (1 - z),  dr = dn m r (1 - r)
///   dg = (dr, dz, dn),  da = (dr, dz, dn r),  dh_{t-1} = dh z + da U
///   dU = sum da^T h_{t-1},  dc = sum dn r
GruResult gru(const Variable& g, const Variable& U, const Variable& c, const IndexTensor& offsets,
              const Variable& initial = {});

namespace raw {
struct GruResult {
  Tensor h, final_state;
};
GruResult gru(const Tensor& g, const Tensor& U, const Tensor& c, const IndexTensor& offsets,
              const Tensor& initial = {});
}  // namespace raw

/// The same, token by token with elementwise operations: for readers and tests.
GruResult gru_composed(const Variable& g, const Variable& U, const Variable& c, const IndexTensor& offsets,
                       const Variable& initial = {});

}  // namespace lrurec::ops
