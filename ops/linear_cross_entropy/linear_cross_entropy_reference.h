#pragma once
// loss = mean over labelled tokens of log_sum_exp(logits) - logits[label], logits = W x + b, as plain loops.

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/linear_cross_entropy/kernels.h"
#include "ops/primitives/reference.h"

namespace lrurec::ops::kernels {

/// With P = (softmax(logits) - onehot(label)) / labelled: dx = W^T P, dW = sum P x^T, db = sum P.
template <class T>
void linear_cross_entropy(Reference, const LinearCrossEntropy<T>& f) {
  const std::int64_t H = f.H, C = f.classes;
  if (f.wants_gradients()) {
    std::fill_n(f.dx, f.tokens * H, T(0)), std::fill_n(f.dweight, C * H, T(0)), std::fill_n(f.dbias, C, T(0));
  }
  std::vector<T> logits(C);
  T sum = 0;
  for (std::int64_t t = 0; t < f.tokens; ++t) {
    const std::int64_t label = f.labels[t];
    if (label < 0) continue;
    const T* x = f.x + t * H;
    for (std::int64_t c = 0; c < C; ++c) {
      logits[c] = f.bias[c];
      for (std::int64_t h = 0; h < H; ++h) logits[c] += f.weight[c * H + h] * x[h];
    }
    const T largest = *std::max_element(logits.begin(), logits.end());
    T total = 0;
    for (const T logit : logits) total += std::exp(logit - largest);
    sum += (largest - logits[label]) + std::log(total);
    for (std::int64_t c = 0; c < C && f.wants_gradients(); ++c) {
      const T p = (std::exp(logits[c] - largest) / total - (c == label ? 1 : 0)) * f.scale();
      f.dbias[c] += p;
      for (std::int64_t h = 0; h < H; ++h) {
        f.dx[t * H + h] += f.weight[c * H + h] * p;
        f.dweight[c * H + h] += p * x[h];
      }
    }
  }
  *f.loss = sum * f.scale();
}

}  // namespace lrurec::ops::kernels
