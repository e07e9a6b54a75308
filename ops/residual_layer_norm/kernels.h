#pragma once

#include <cstdint>

#include "ops/primitives/dropout_mask.h"
#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// weight, bias [H]; rows [tokens, H].
template <class T>
struct ResidualLayerNorm {
  std::int64_t tokens, H;
  const T *weight, *bias;
  double eps;
  DropoutMask mask;
};

/// x may be null. normal [tokens, H] and rstd [tokens] are for the backward pass; null: not wanted.
template <class T>
void residual_layer_norm(Cpu, const ResidualLayerNorm<T>& f, const T* a, const T* x, T* y, T* normal,
                         T* rstd);
template <class T>
void residual_layer_norm(Cuda, const ResidualLayerNorm<T>& f, const T* a, const T* x, T* y, T* normal,
                         T* rstd);

/// Gradients, overwritten; dx may be null.
template <class T>
void residual_layer_norm_backward(Cpu, const ResidualLayerNorm<T>& f, const T* dy, const T* normal,
                                  const T* rstd, T* da, T* dx, T* dweight, T* dbias);
template <class T>
void residual_layer_norm_backward(Cuda, const ResidualLayerNorm<T>& f, const T* dy, const T* normal,
                                  const T* rstd, T* da, T* dx, T* dweight, T* dbias);

}  // namespace lrurec::ops::kernels
