#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Everything dense and on the device.
template <class T>
struct AdditiveAttention {
  std::int64_t sequences, tokens, A, D;
  const std::int64_t* offsets;  ///< [S + 1]
  const T *q, *k, *v, *h;       ///< [tokens, A] twice, [A], [tokens, D]
};

/// c: [tokens, D]; lse: [tokens], log of the sum of exponentials of each row of scores.
template <class T>
void additive_attention_forward(Cpu, const AdditiveAttention<T>& f, T* c, T* lse);
template <class T>
void additive_attention_forward(Cuda, const AdditiveAttention<T>& f, T* c, T* lse);

template <class T>
struct AdditiveAttentionGradients {
  const T *c, *lse, *dc;  ///< of the forward pass; [tokens, D]
  T *dq, *dk, *dh;        ///< [tokens, A] twice, [tokens, D]
  T* dv_rows;             ///< [tokens, A]: what each token t adds to dv
};
template <class T>
void additive_attention_backward(Cpu, const AdditiveAttention<T>& f,
                                 const AdditiveAttentionGradients<T>& out);
template <class T>
void additive_attention_backward(Cuda, const AdditiveAttention<T>& f,
                                 const AdditiveAttentionGradients<T>& out);

}  // namespace lrurec::ops::kernels
