#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/primitives/simd.h"
#include "ops/sampled_cross_entropy/kernels.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::cpu {
namespace {

template <class T>
T dot(std::int64_t n, const T* a, const T* b) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

template <class T>
void add_scaled(std::int64_t n, T factor, const T* x, T* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

template <class T>
T score(const SampledHead<T>& head, const T* x, std::int64_t id) {
  return dot(head.H, x, head.weight + id * head.H) + head.bias[id];
}

/// The loss of one token from its scores; a negative left out has -infinity. The scores become their
/// gradients times `scale`.
template <class T>
struct OfToken {
  double loss;
  T label_gradient;
};
template <class T>
OfToken<T> softmax_token(T label_score, std::int64_t n, T* scores, T scale) {
  T top = label_score;
#pragma omp simd reduction(max : top)
  for (std::int64_t j = 0; j < n; ++j) top = std::max(top, scores[j]);
  map(
      n, scores, [top](const auto& s) { return xsimd::exp(s - std::decay_t<decltype(s)>(top)); },
      Strided<T>{scores, 1});
  T others = 0;
#pragma omp simd reduction(+ : others)
  for (std::int64_t j = 0; j < n; ++j) others += scores[j];
  const T own = std::exp(label_score - top), total = own + others;
  const T factor = scale / total;
#pragma omp simd
  for (std::int64_t j = 0; j < n; ++j) scores[j] *= factor;
  // p - 1 as minus the others' share: no digits are lost where p is near 1.
  return {static_cast<double>(top - label_score) + std::log(static_cast<double>(total)), -others * factor};
}

template <class T>
constexpr T left_out = -std::numeric_limits<T>::infinity();

}  // namespace

template <class T>
double sampled_loss(const SampledHead<T>& head, const SampledTokens<T>& tokens, std::int64_t n,
                    const std::int64_t* ids, T log_count, T scale, const SampledGradients<T>& gradients) {
  std::vector<double> losses(static_cast<std::size_t>(tokens.count));
#pragma omp parallel if (tokens.count * n * head.H > parallel_grain)
  {
    std::vector<T> buffer(gradients.negatives == nullptr ? static_cast<std::size_t>(n) : 0);
#pragma omp for schedule(static)
    for (std::int64_t t = 0; t < tokens.count; ++t) {
      const T* x = tokens.x + t * head.H;
      const std::int64_t* own = ids + t * n;
      const std::int64_t label = tokens.labels[t];
      T* scores = gradients.negatives == nullptr ? buffer.data() : gradients.negatives + t * n;
      if (label < 0) {
        std::fill_n(scores, n, T(0));
        if (gradients.dx != nullptr) {
          gradients.label[t] = 0;
          std::fill_n(gradients.dx + t * head.H, head.H, T(0));
        }
        continue;
      }
      for (std::int64_t j = 0; j < n; ++j) {
        scores[j] = own[j] == label ? left_out<T> : score(head, x, own[j]) - log_count;
      }
      const auto result = softmax_token(score(head, x, label), n, scores, scale);
      losses[static_cast<std::size_t>(t)] = result.loss;
      if (gradients.dx == nullptr) continue;
      gradients.label[t] = result.label_gradient;
      T* dx = gradients.dx + t * head.H;
      std::fill_n(dx, head.H, T(0));
      add_scaled(head.H, result.label_gradient, head.weight + label * head.H, dx);
      for (std::int64_t j = 0; j < n; ++j) add_scaled(head.H, scores[j], head.weight + own[j] * head.H, dx);
    }
  }
  double total = 0;
  for (const double loss : losses) total += loss;
  return total;
}

template <class T>
double sampled_loss_shared(const SampledHead<T>& head, const SampledTokens<T>& tokens, std::int64_t n,
                           const std::int64_t* ids, T log_count, T scale, T* scores,
                           const SampledGradients<T>& gradients) {
  double total = 0;
  for (std::int64_t t = 0; t < tokens.count; ++t) {
    const T* x = tokens.x + t * head.H;
    T* row = scores + t * n;
    T* dx = gradients.dx == nullptr ? nullptr : gradients.dx + t * head.H;
    if (dx != nullptr) std::fill_n(dx, head.H, T(0));
    const std::int64_t label = tokens.labels[t];
    if (label < 0) {
      std::fill_n(row, n, T(0));
      if (dx != nullptr) gradients.label[t] = 0;
      continue;
    }
    for (std::int64_t j = 0; j < n; ++j) {
      row[j] = ids[j] == label ? left_out<T> : row[j] + head.bias[ids[j]] - log_count;
    }
    const auto result = softmax_token(score(head, x, label), n, row, scale);
    total += result.loss;
    if (dx == nullptr) continue;
    gradients.label[t] = result.label_gradient;
    add_scaled(head.H, result.label_gradient, head.weight + label * head.H, dx);
  }
  return total;
}

// As in ops/embedding: whoever owns a range of rows looks at all entries and adds those of its range.
template <class T>
void scatter_add_scaled(const Scatter<T>& e, T* rows) {
  constexpr std::int64_t ranges = 16;
#pragma omp parallel for schedule(dynamic) if (e.count * e.width > parallel_grain)
  for (std::int64_t range = 0; range < ranges; ++range) {
    const std::int64_t first = e.C * range / ranges, last = e.C * (range + 1) / ranges;
    for (std::int64_t k = 0; k < e.count; ++k) {
      if (e.ids[k] < first || e.ids[k] >= last) continue;
      const T factor = e.factor == nullptr ? e.scale : e.scale * e.factor[k];
      T* to = rows + e.ids[k] * e.width;
      if (e.x == nullptr) {
        for (std::int64_t c = 0; c < e.width; ++c) to[c] += factor;
      } else {
        add_scaled(e.width, factor, e.x + k / e.per_row * e.width, to);
      }
    }
  }
}

#define SAMPLED(T)                                                                                     \
  template double sampled_loss<T>(const SampledHead<T>&, const SampledTokens<T>&, std::int64_t,        \
                                  const std::int64_t*, T, T, const SampledGradients<T>&);              \
  template double sampled_loss_shared<T>(const SampledHead<T>&, const SampledTokens<T>&, std::int64_t, \
                                         const std::int64_t*, T, T, T*, const SampledGradients<T>&);   \
  template void scatter_add_scaled<T>(const Scatter<T>&, T*);
SAMPLED(float)
SAMPLED(double)

}  // namespace lrurec::ops::cpu
