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

/// log sum_c exp(x[c]) of a row as largest + log sum exp(x - largest). Its two parts are kept apart: where
/// the elements are large, their sum would swallow the second (two logits of 1e8: ln 2 would be 0).
template <class T>
struct RowLogSum {
  T largest, log_sum;
};

/// lse[r] of row r of x
template <class T>
void log_sum_exp(Cpu, std::int64_t rows, std::int64_t columns, const T* x, RowLogSum<T>* lse);
template <class T>
void log_sum_exp(Cuda, std::int64_t rows, std::int64_t columns, const T* x, RowLogSum<T>* lse);

}  // namespace lrurec::ops::kernels
