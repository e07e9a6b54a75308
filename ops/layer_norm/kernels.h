#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

/// y[r, :] = weight * (x[r, :] - mean[r]) * rstd[r] + bias; mean and rstd: [rows], written.
template <class T>
void layer_norm_forward(std::int64_t rows, std::int64_t width, const T* x, const T* weight, const T* bias,
                        double eps, T* y, T* mean, T* rstd);

/// dx: [rows, width], dweight and dbias: [width], all written. Rows are summed in fixed blocks, so the bits
/// do not depend on the number of threads.
template <class T>
void layer_norm_backward(std::int64_t rows, std::int64_t width, const T* dy, const T* x, const T* weight,
                         const T* mean, const T* rstd, T* dx, T* dweight, T* dbias);

}  // namespace lrurec::ops::cpu
