#pragma once

#include <complex>
#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Everything dense and on the device; complex numbers as pairs.
template <class T>
struct DiagonalSsm {
  std::int64_t sequences, tokens, H, N;
  const std::int64_t* offsets;  ///< [S + 1]
  const T *u, *lambda, *c;      ///< [tokens, H], [H, N, 2] twice
};

/// y: [tokens, H]; state: [S, H, N, 2], read before the first token and overwritten after the last.
template <class T>
void diagonal_ssm_forward(Cpu, const DiagonalSsm<T>& f, T* y, T* state);
template <class T>
void diagonal_ssm_forward(Cuda, const DiagonalSsm<T>& f, T* y, T* state);

/// du: [tokens, H]; dlambda, dc: [S, H, N, 2], the part of each sequence.
template <class T>
void diagonal_ssm_backward(Cpu, const DiagonalSsm<T>& f, const T* dy, T* du, T* dlambda, T* dc);
template <class T>
void diagonal_ssm_backward(Cuda, const DiagonalSsm<T>& f, const T* dy, T* du, T* dlambda, T* dc);

}  // namespace lrurec::ops::kernels
