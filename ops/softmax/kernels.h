#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

// x, y, dy, dx: [rows, columns] dense.
template <class T>
void softmax_forward(std::int64_t rows, std::int64_t columns, const T* x, T* y);
template <class T>
void softmax_backward(std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx);
template <class T>
void log_softmax_forward(std::int64_t rows, std::int64_t columns, const T* x, T* y);
template <class T>
void log_softmax_backward(std::int64_t rows, std::int64_t columns, const T* dy, const T* y, T* dx);

/// lse[r] = log sum_c exp(x[r, c])
template <class T>
void log_sum_exp(std::int64_t rows, std::int64_t columns, const T* x, T* lse);

}  // namespace lrurec::ops::cpu
