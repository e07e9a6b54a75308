#pragma once

#include <complex>
#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Everything dense and on the device; complex numbers as pairs.
template <class T>
struct DplrSsm {
  std::int64_t sequences, tokens, H, N;
  const std::int64_t* offsets;     ///< [S + 1]
  const T *u, *a, *e, *f, *b, *c;  ///< [tokens, H], and [H, N, 2] each
};

/// The part of each sequence in the gradients, [S, H, N, 2] each.
template <class T>
struct DplrSsmGradients {
  T *a, *e, *f, *b, *c;
};

/// y: [tokens, H]; state: [S, H, N, 2], read before the first token and overwritten after the last.
template <class T>
void dplr_ssm_forward(Cpu, const DplrSsm<T>& in, T* y, T* state);
template <class T>
void dplr_ssm_forward(Cuda, const DplrSsm<T>& in, T* y, T* state);

/// du: [tokens, H]
template <class T>
void dplr_ssm_backward(Cpu, const DplrSsm<T>& in, const T* dy, T* du, const DplrSsmGradients<T>& gradients);
template <class T>
void dplr_ssm_backward(Cuda, const DplrSsm<T>& in, const T* dy, T* du, const DplrSsmGradients<T>& gradients);

}  // namespace lrurec::ops::kernels
