#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Rows offsets[s] .. offsets[s+1]-1 of x: [tokens, D] belong to sequence s; weight: [K, D]. All on the
/// device.
template <class T>
struct Conv1d {
  std::int64_t sequences, tokens, D, K;
  const std::int64_t* offsets;
  const T *x, *weight;
};

/// y: [tokens, D], written; bias: [D] or null
template <class T>
void conv1d_forward(Cpu, const Conv1d<T>& f, const T* bias, T* y);
template <class T>
void conv1d_forward(Cuda, const Conv1d<T>& f, const T* bias, T* y);

/// dx: [tokens, D]; dparameters: [K + 1, D], the rows of dweight, then dbias. All written. Rows are summed in
/// fixed parts, so the bits do not depend on the number of threads.
template <class T>
void conv1d_backward(Cpu, const Conv1d<T>& f, const T* dy, T* dx, T* dparameters);
template <class T>
void conv1d_backward(Cuda, const Conv1d<T>& f, const T* dy, T* dx, T* dparameters);

}  // namespace lrurec::ops::kernels
