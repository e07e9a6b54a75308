#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Everything is dense and on the device. `initial` may be null: zeros.
template <class T>
struct Gru {
  std::int64_t sequences, H;
  const std::int64_t* offsets;  ///< [S + 1]
  const T* g;                   ///< [tokens, 3 H]
  const T *U, *columns, *c;     ///< [3 H, H], its transpose [H, 3 H], [H]
  const T* initial;             ///< [S, H]
};

/// h: [tokens, H]; final_state: [S, H]; kept: [tokens, 4 H] with r, z, n, m of each token for the backward
/// pass, or null.
template <class T>
void gru_forward(Cpu, const Gru<T>& f, T* h, T* final_state, T* kept);
template <class T>
void gru_forward(Cuda, const Gru<T>& f, T* h, T* final_state, T* kept);

template <class T>
struct GruGradients {
  const T *h, *kept;     ///< of the forward pass
  const T *dh, *dfinal;  ///< [tokens, H], [S, H] or null
  T *dg, *da;            ///< [tokens, 3 H]: of g, and of U h + (0, 0, c)
  T* before;             ///< [tokens, H]: h_{t-1}
  T* dinitial;           ///< [S, H] or null
};
template <class T>
void gru_backward(Cpu, const Gru<T>& f, const GruGradients<T>& gradients);
template <class T>
void gru_backward(Cuda, const Gru<T>& f, const GruGradients<T>& gradients);

}  // namespace lrurec::ops::kernels
