#pragma once
// h_t = lambda h_{t-1} + B x_t + b,  y_t = Re(C h_t) + c, as plain loops.

#include <vector>

#include "ops/lru/kernels.h"
#include "ops/primitives/reference.h"

namespace lrurec::ops::kernels {

/// Reads no packed weights.
template <class T>
void lru_forward(Reference, const Lru<T>& f, const LruOutputs<T>& out) {
  using Z = std::complex<T>;
  const auto& w = f.weights;
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    std::vector<Z> h(w.D);  // the state, [D]
    if (f.initial != nullptr) h.assign(f.initial + s * w.D, f.initial + (s + 1) * w.D);
    const auto project_out = [&](T* y) {  // [O]
      for (std::int64_t o = 0; o < w.O; ++o) {
        y[o] = w.c[o];
        for (std::int64_t d = 0; d < w.D; ++d) y[o] += (w.C[o * w.D + d] * h[d]).real();
      }
    };
    for (std::int64_t t = f.offsets[s]; t < f.offsets[s + 1]; ++t) {
      for (std::int64_t d = 0; d < w.D; ++d) {
        Z u = w.b[d];
        for (std::int64_t i = 0; i < w.H; ++i) u += w.B[d * w.H + i] * f.x[t * w.H + i];
        h[d] = w.lambda[d] * h[d] + u;
        if (out.states != nullptr) out.states[t * 2 * w.D + d] = h[d].real();
        if (out.states != nullptr) out.states[t * 2 * w.D + w.D + d] = h[d].imag();
      }
      if (out.y != nullptr) project_out(out.y + t * w.O);
    }
    std::copy(h.begin(), h.end(), out.final_state + s * w.D);
    if (out.y_last != nullptr) project_out(out.y_last + s * w.O);
  }
}

/// dh_t = C^H dy_t, g_t = dh_t + conj(lambda) g_{t+1}; dx_t = Re(B^H g_t), dB = sum g_t x_t^T, db = sum g_t,
/// dC = sum dy_t conj(h_t)^T, dc = sum dy_t, dlambda = sum g_t conj(h_{t-1}), dinitial = conj(lambda) g_1.
template <class T>
void lru_backward(Reference, const Lru<T>& f, const T* states, const LruGradients<T>& to) {
  using Z = std::complex<T>;
  const auto& w = f.weights;
  const std::int64_t H = w.H, D = w.D, O = w.O;
  const auto h = [&](std::int64_t t, std::int64_t d) {
    return Z(states[t * 2 * D + d], states[t * 2 * D + D + d]);
  };
  std::fill_n(to.dlambda, D, Z()), std::fill_n(to.dB, D * H, Z()), std::fill_n(to.db, D, Z());
  std::fill_n(to.dC, O * D, Z()), std::fill_n(to.dc, O, T(0)), std::fill_n(to.dx, f.tokens() * H, T(0));
  for (std::int64_t s = 0; s < f.sequences; ++s) {
    const std::int64_t begin = f.offsets[s], end = f.offsets[s + 1];
    std::vector<Z> carried(D);  // conj(lambda) g_{t+1}; behind the last token, the final state's gradient
    if (to.dfinal != nullptr) carried.assign(to.dfinal + s * D, to.dfinal + (s + 1) * D);
    for (std::int64_t t = end - 1; t >= begin; --t) {
      for (std::int64_t o = 0; to.dy != nullptr && o < O; ++o) to.dc[o] += to.dy[t * O + o];
      for (std::int64_t d = 0; d < D; ++d) {
        Z g = carried[d];
        for (std::int64_t o = 0; to.dy != nullptr && o < O; ++o) {
          g += std::conj(w.C[o * D + d]) * to.dy[t * O + o];
          to.dC[o * D + d] += to.dy[t * O + o] * std::conj(h(t, d));
        }
        for (std::int64_t i = 0; i < H; ++i) {
          to.dx[t * H + i] += (std::conj(w.B[d * H + i]) * g).real();
          to.dB[d * H + i] += g * f.x[t * H + i];
        }
        to.db[d] += g;
        const Z before = t > begin ? h(t - 1, d) : f.initial != nullptr ? f.initial[s * D + d] : Z();
        to.dlambda[d] += g * std::conj(before);
        carried[d] = std::conj(w.lambda[d]) * g;
      }
    }
    if (to.dinitial != nullptr) std::copy(carried.begin(), carried.end(), to.dinitial + s * D);
  }
}

}  // namespace lrurec::ops::kernels
