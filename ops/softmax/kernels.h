#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

// x, y, dy, dx: [rows, columns] dense.
template <class T>
void softmax_forward(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* y);
template <class T>
void softmax_forward(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* y);
template <class T>
void softmax_backward(Cpu, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx);
template <class T>
void softmax_backward(Cuda, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx);
template <class T>
void log_softmax_forward(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* y);
template <class T>
void log_softmax_forward(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* y);
template <class T>
void log_softmax_backward(Cpu, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx);
template <class T>
void log_softmax_backward(Cuda, std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx);

/// lse[r] = log sum_c exp(x[r, c])
template <class T>
void log_sum_exp(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* lse);
template <class T>
void log_sum_exp(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* lse);

}  // namespace lrurec::ops::kernels
