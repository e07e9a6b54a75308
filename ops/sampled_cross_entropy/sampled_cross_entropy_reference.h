#pragma once
// The mean over labelled tokens of -log(exp(s_label) / (exp(s_label) + sum_j exp(s_j - log_count))), without
// the negatives that are the label, s_i = x . weight_i + bias_i, as plain loops.

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/primitives/reference.h"
#include "ops/sampled_cross_entropy/kernels.h"

namespace lrurec::ops::kernels {

template <class T>
void sampled_cross_entropy(Reference, const SampledCrossEntropy<T>& f) {
  const std::int64_t H = f.H, n = f.n;
  const auto clear = [](std::int64_t count, T* to) {
    if (to != nullptr) std::fill_n(to, count, T(0));
  };
  clear(f.tokens * H, f.dx), clear(f.tokens, f.dlabel);
  clear(f.tokens * n, f.dnegatives), clear(n * H, f.dshared_weight), clear(n, f.dshared_bias);
  T sum = 0;
  for (std::int64_t t = 0; t < f.tokens; ++t) {
    const std::int64_t label = f.labels[t], *ids = f.negatives + (f.shared ? 0 : t * n);
    if (label < 0) continue;
    const T* x = f.x + t * H;
    const auto score = [&](std::int64_t id) {
      T s = f.bias[id];
      for (std::int64_t h = 0; h < H; ++h) s += x[h] * f.weight[id * H + h];
      return s;
    };
    const T own = std::exp(score(label));
    T total = own;
    std::vector<T> others(n);
    for (std::int64_t j = 0; j < n; ++j) {
      others[j] = ids[j] == label ? T(0) : std::exp(score(ids[j]) - f.log_count);
      total += others[j];
    }
    sum += std::log(total / own);
    if (!f.wants_gradients()) continue;
    const auto add = [&](std::int64_t id, T gradient) {  // the part of dx of one score
      for (std::int64_t h = 0; h < H; ++h) f.dx[t * H + h] += gradient * f.weight[id * H + h];
    };
    f.dlabel[t] = (own / total - 1) * f.scale();
    add(label, f.dlabel[t]);
    for (std::int64_t j = 0; j < n; ++j) {
      const T gradient = others[j] / total * f.scale();
      add(ids[j], gradient);
      if (!f.shared) f.dnegatives[t * n + j] = gradient;
      if (f.shared) f.dshared_bias[j] += gradient;
      for (std::int64_t h = 0; h < H && f.shared; ++h) f.dshared_weight[j * H + h] += gradient * x[h];
    }
  }
  *f.loss = sum * f.scale();
}

}  // namespace lrurec::ops::kernels
