#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Everything dense and on the device.
template <class T>
struct Wkv {
  std::int64_t sequences, tokens, H;
  const std::int64_t* offsets;  ///< [S + 1]
  const T *k, *v, *w, *u;       ///< [tokens, H] twice, [H] twice
};

/// y: [tokens, H]; state: [S, 3 H], read before the first token and overwritten after the last; before:
/// [tokens, 3 H], the state before each token for the backward pass, or null.
template <class T>
void wkv_forward(Cpu, const Wkv<T>& f, T* y, T* state, T* before);
template <class T>
void wkv_forward(Cuda, const Wkv<T>& f, T* y, T* state, T* before);

template <class T>
struct WkvGradients {
  const T *before, *dy;    ///< [tokens, 3 H], [tokens, H]
  T *dk, *dv;              ///< [tokens, H]
  T *dw_parts, *du_parts;  ///< [S, H]: the part of each sequence
};
template <class T>
void wkv_backward(Cpu, const Wkv<T>& f, const WkvGradients<T>& out);
template <class T>
void wkv_backward(Cuda, const Wkv<T>& f, const WkvGradients<T>& out);

}  // namespace lrurec::ops::kernels
