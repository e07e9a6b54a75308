#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

/// The classes and what the scores are made of: weight: [C, H], bias: [C], dense.
template <class T>
struct SampledHead {
  std::int64_t H;
  const T* weight;
  const T* bias;
};

/// Tokens of one call: x: [count, H], labels: [count], -1 = no label.
template <class T>
struct SampledTokens {
  std::int64_t count;
  const T* x;
  const std::int64_t* labels;
};

/// Gradients with respect to scores and x; all or none. label: [count]; negatives: [count, n]; dx: [count,
/// H].
template <class T>
struct SampledGradients {
  T* label = nullptr;
  T* negatives = nullptr;
  T* dx = nullptr;
};

/// Sum over tokens of the loss, with ids: [count, n] for each token; `scale` times its gradients where asked.
template <class T>
double sampled_loss(const SampledHead<T>& head, const SampledTokens<T>& tokens, std::int64_t n,
                    const std::int64_t* ids, T log_count, T scale, const SampledGradients<T>& gradients);

/// The same with ids: [n] for all tokens, on one thread. scores: [count, n] holds x_t . weight_{ids_j} and is
/// overwritten by the gradients of the scores. gradients.dx comes without the negatives' part, to be added by
/// a product; gradients.negatives is not used.
template <class T>
double sampled_loss_shared(const SampledHead<T>& head, const SampledTokens<T>& tokens, std::int64_t n,
                           const std::int64_t* ids, T log_count, T scale, T* scores,
                           const SampledGradients<T>& gradients);

/// rows[ids[e], :] += scale * factor[e] * x[e / per_row, :] in the order of e, ids below 0 left out.
/// ids: [count], factor: [count] or nullptr for 1, rows: [C, width], x: [.., width] or nullptr for ones.
template <class T>
struct Scatter {
  std::int64_t count, per_row, width, C;
  const std::int64_t* ids;
  const T* factor;
  const T* x;
  T scale;
};
template <class T>
void scatter_add_scaled(const Scatter<T>& entries, T* rows);

}  // namespace lrurec::ops::cpu
