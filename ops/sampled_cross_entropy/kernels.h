#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// What sampled_cross_entropy reads and writes. There are n negatives: for each token (negatives [tokens,
/// n]), or, `shared`, the same for all (negatives [n], and shared_weight [n, H] = weight at them).
template <class T>
struct SampledCrossEntropy {
  std::int64_t tokens, H, n;
  bool shared;
  const T *x, *weight, *bias;              ///< [tokens, H], [C, H], [C]
  const std::int64_t *labels, *negatives;  ///< labels [tokens], -1 = no label
  const T* shared_weight;
  std::int64_t labelled;  ///< tokens with a label
  T log_count;            ///< subtracted from the negatives' scores
  std::int64_t chunk;     ///< tokens at a time with shared negatives, 0 = chosen
  T* loss;                ///< [1], the mean over labelled tokens
  // Gradients, overwritten; dx and dlabel are null where none are wanted. Those of weight and bias are kept
  // small: the scores' own, or with shared negatives the gradients of shared_weight and of its biases.
  T* dx = nullptr;                                       ///< [tokens, H]
  T* dlabel = nullptr;                                   ///< [tokens], of the labels' scores
  T* dnegatives = nullptr;                               ///< [tokens, n], of the negatives' scores
  T *dshared_weight = nullptr, *dshared_bias = nullptr;  ///< [n, H], [n]

  bool wants_gradients() const { return dx != nullptr; }
  T scale() const { return static_cast<T>(1.0 / static_cast<double>(labelled)); }
};

template <class T>
void sampled_cross_entropy(Cpu, const SampledCrossEntropy<T>& f);
template <class T>
void sampled_cross_entropy(Cuda, const SampledCrossEntropy<T>& f);

/// What scatter_add_scaled adds to, and of what. rows: [C, width], x: [.., width] or nullptr for ones; null
/// rows: nothing.
template <class T>
struct ScatterTable {
  std::int64_t width;
  const T* x;
  T* rows;
};

/// rows[ids[e], :] += scale * factor[e] * x[e / per_row, :] in the order of e, ids below 0 left out, of both
/// tables. ids: [count], factor: [count] or nullptr for 1, scale: [1].
template <class T>
struct Scatter {
  std::int64_t count, per_row, C;
  const std::int64_t* ids;
  const T *factor, *scale;
  ScatterTable<T> weight, bias;
};
template <class T>
void scatter_add_scaled(Cpu, const Scatter<T>& entries);
template <class T>
void scatter_add_scaled(Cuda, const Scatter<T>& entries);

}  // namespace lrurec::ops::kernels
