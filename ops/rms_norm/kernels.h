#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// y[r, :] = weight * x[r, :] * scale[r]; scale: [rows], 1 / sqrt(mean(x[r, :]^2) + eps), written.
template <class T>
void rms_norm_forward(Cpu, std::int64_t rows, std::int64_t width, const T* x, const T* weight, double eps,
                      T* y, T* scale);
template <class T>
void rms_norm_forward(Cuda, std::int64_t rows, std::int64_t width, const T* x, const T* weight, double eps,
                      T* y, T* scale);

/// dx: [rows, width], dweight: [width], written. Rows are summed in fixed blocks, so the bits do not depend
/// on the number of threads.
template <class T>
void rms_norm_backward(Cpu, std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                       const T* scale, T* dx, T* dweight);
template <class T>
void rms_norm_backward(Cuda, std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                       const T* scale, T* dx, T* dweight);

}  // namespace lrurec::ops::kernels
