#pragma once
// The linear recurrent unit as one operation: projection, recurrence, projection (section 3.2 of the paper).

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

struct LruResult {
  Variable y;            ///< [tokens, O]
  Variable final_state;  ///< complex [S, D]; the initial state of an empty sequence
};

/// h_t = lambda h_{t-1} + B x_t + b,  y_t = Re(C h_t) + c  within each sequence, h_0 = initial (0 when
/// undefined).
///
/// x: [tokens, H], c: [O], f32 or f64. lambda: [D], B: [D, H], b: [D], C: [O, D], initial: [S, D] or
/// undefined, of the matching complex dtype. offsets: i64 [S + 1] as in linear_scan.
///
/// It equals real(linear(linear_scan(lambda, linear(x, B, b), offsets), C)) + c at half the arithmetic: x and
/// y are real, so the products run on real planes [re | im].
///
/// Backward:
///
///   dh_t = C^H dy_t,  g_t = dh_t + conj(lambda) g_{t+1}
///   dx_t = Re(B^H g_t),  dB = sum g_t x_t^T,  db = sum g_t
///   dC = sum dy_t conj(h_t)^T,  dc = sum dy_t
///   dlambda = sum g_t conj(h_{t-1}),  dinitial = conj(lambda) g_1
///
/// The gradient of a final state is added to g of the sequence's last token. Sums run in fixed groups of
/// sequences, so the bits do not depend on the thread count.
LruResult lru(const Variable& x, const Variable& lambda, const Variable& B, const Variable& b,
              const Variable& C, const Variable& c, const IndexTensor& offsets, const Variable& initial = {});

namespace kernels {
template <class T>
struct LruWeights;
}

namespace raw {

/// Weights in the layout that kernels read, for many calls with the same weights. lambda, B, b, C and c share
/// memory with the arguments where those are dense. `packed` is a copy: pack again when the weights change.
struct PackedLru {
  Tensor lambda, B, b, C, c;
  Tensor packed;  ///< real, see pack_lru in kernels.h
  template <class T>
  kernels::LruWeights<T> pointers() const;
};
PackedLru pack_lru(const Tensor& lambda, const Tensor& B, const Tensor& b, const Tensor& C, const Tensor& c);

/// y of the last token of each sequence, [S, O], with the bits that it has in the whole y. An empty sequence
/// has y = Re(C 0) + c.
Tensor lru_last(const Tensor& x, const PackedLru& weights, const IndexTensor& offsets);

/// One token of each of n sequences, x: [n, H] -> y: [n, O]. `state`, complex [n, D] and dense, is the state
/// before the token and is overwritten with the state after it.
Tensor lru_step(const Tensor& x, const PackedLru& weights, const Tensor& state);

}  // namespace raw

}  // namespace lrurec::ops
