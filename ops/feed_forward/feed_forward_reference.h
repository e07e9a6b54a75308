#pragma once
// y = W2 (m gelu(W1 x + b1)) + b2 with the dropout mask m, as plain loops.

#include <cmath>
#include <numbers>
#include <vector>

#include "ops/feed_forward/kernels.h"
#include "ops/primitives/reference.h"

namespace lrurec::ops::kernels {

/// gelu(z) = z Phi(z), with Phi the standard normal distribution function; its slope is Phi(z) + z phi(z).
template <class T>
T gelu_reference(T z, T* slope) {
  const T cdf = (1 + std::erf(z / std::numbers::sqrt2_v<T>)) / 2;
  *slope = cdf + z * std::exp(-z * z / 2) * std::numbers::inv_sqrtpi_v<T> / std::numbers::sqrt2_v<T>;
  return z * cdf;
}

/// Token by token. Gradients for dy [tokens, O] unless `to` is null: da = W2^T dy, dz = da m gelu'(z);
/// dx = W1^T dz, dW1 = sum dz x^T, db1 = sum dz, dW2 = sum dy (m gelu(z))^T, db2 = sum dy.
template <class T>
void feed_forward(Reference, const FeedForward<T>& f, T* y, const T* dy, const FeedForwardGradients<T>* to) {
  const auto& w = f.weights;
  if (to != nullptr) {
    std::fill_n(to->dx, f.tokens * w.H, T(0)), std::fill_n(to->dW1, w.I * w.H, T(0));
    std::fill_n(to->db1, w.I, T(0)), std::fill_n(to->dW2, w.O * w.I, T(0)), std::fill_n(to->db2, w.O, T(0));
  }
  for (std::int64_t t = 0; t < f.tokens; ++t) {
    const T* x = f.x + t * w.H;
    for (std::int64_t o = 0; o < w.O; ++o) y[t * w.O + o] = w.b2[o];
    for (std::int64_t o = 0; to != nullptr && o < w.O; ++o) to->db2[o] += dy[t * w.O + o];
    for (std::int64_t i = 0; i < w.I; ++i) {
      T z = w.b1[i], slope;
      for (std::int64_t h = 0; h < w.H; ++h) z += w.W1[i * w.H + h] * x[h];
      const T m = f.mask.template factor<T>(t * w.I + i), a = m * gelu_reference(z, &slope);
      for (std::int64_t o = 0; o < w.O; ++o) y[t * w.O + o] += w.W2[o * w.I + i] * a;
      if (to == nullptr) continue;
      T da = 0;
      for (std::int64_t o = 0; o < w.O; ++o) {
        da += w.W2[o * w.I + i] * dy[t * w.O + o];
        to->dW2[o * w.I + i] += dy[t * w.O + o] * a;
      }
      const T dz = da * m * slope;
      to->db1[i] += dz;
      for (std::int64_t h = 0; h < w.H; ++h) {
        to->dx[t * w.H + h] += w.W1[i * w.H + h] * dz;
        to->dW1[i * w.H + h] += dz * x[h];
      }
    }
  }
}

}  // namespace lrurec::ops::kernels
