#pragma once

#include <cstdint>

#include "tensor/device.h"

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

namespace lrurec::ops::kernels {

/// The steps of the loss on the GPU; everything is in device memory.
/// ids of the negatives of token t: ids[t * step + j] for j < n; step is n, or 0 for the same for all.
struct SampledIds {
  std::int64_t n, step;
  const std::int64_t* ids;
};

/// scores[t, j] = x_t . weight_{ids_{t,j}} for tokens with a label; ids, scores: [count, n].
template <class T>
void sampled_products(Cuda, const cpu::SampledHead<T>& head, const cpu::SampledTokens<T>& tokens,
                      std::int64_t n, const std::int64_t* ids, T* scores);

/// Such products become `scale` times the gradients of the scores, zeros without a label; dlabel: the same of
/// the labels' scores; losses: of each token.
template <class T>
void sampled_softmax(Cuda, const cpu::SampledHead<T>& head, const cpu::SampledTokens<T>& tokens,
                     const SampledIds& negatives, T log_count, T scale, T* scores, T* dlabel, T* losses);

/// dx_t = dlabel_t weight_{label_t} + sum_j dscores_{t,j} weight_{ids_{t,j}}, added to dx where `add`.
template <class T>
void sampled_dx(Cuda, const cpu::SampledHead<T>& head, const cpu::SampledTokens<T>& tokens, std::int64_t n,
                const std::int64_t* ids, const T* dscores, const T* dlabel, bool add, T* dx);

/// value = scale * the sum of losses
template <class T>
void scaled_sum(Cuda, std::int64_t n, const T* losses, T scale, T* value);

/// As cpu::scatter_add_scaled, where scale: [1] is in device memory and entries.scale is not used.
template <class T>
void scatter_add_scaled(Cuda, const cpu::Scatter<T>& entries, const T* scale, T* rows);

}  // namespace lrurec::ops::kernels
