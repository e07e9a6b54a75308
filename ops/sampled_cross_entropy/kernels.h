#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// What sampled_cross_entropy reads and writes. There are n negatives, either for each token (negatives
/// [tokens, n]) or, where `shared`, for all tokens (negatives [n], and shared_weight [n, H], the rows of
/// weight at them).
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
  // in a small form: the gradients of the scores, or with shared negatives those of shared_weight and its
  // biases.
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

/// A table that scatter_add_scaled adds to, and what it adds. rows: [C, width], null for no table; x: [..,
/// width], null for ones.
template <class T>
struct ScatterTable {
  std::int64_t width;
  const T* x;
  T* rows;
};

/// For both tables: rows[ids[e], :] += scale * factor[e] * x[e / per_row, :] in the order of e, without ids
/// below 0. ids: [count], factor: [count] or null for 1, scale: [1].
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
