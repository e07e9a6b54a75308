#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// y[r, :] = weight * (x[r, :] - mean[r]) * rstd[r] + bias; mean and rstd: [rows], written.
template <class T>
void layer_norm_forward(Cpu, std::int64_t rows, std::int64_t width, const T* x, const T* weight,
                        const T* bias, double eps, T* y, T* mean, T* rstd);
template <class T>
void layer_norm_forward(Cuda, std::int64_t rows, std::int64_t width, const T* x, const T* weight,
                        const T* bias, double eps, T* y, T* mean, T* rstd);

/// dx: [rows, width], dweight and dbias: [width], all written. Rows are summed in fixed blocks, so the bits
/// do not depend on the number of threads.
template <class T>
void layer_norm_backward(Cpu, std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                         const T* mean, const T* rstd, T* dx, T* dweight, T* dbias);
template <class T>
void layer_norm_backward(Cuda, std::int64_t rows, std::int64_t width, const T* dy, const T* x,
                         const T* weight, const T* mean, const T* rstd, T* dx, T* dweight, T* dbias);

}  // namespace lrurec::ops::kernels
