#pragma once

#include "tensor/cuda/kernel.h"

namespace lrurec::cuda {

template <class T>
__global__ void repeat_row_kernel(std::int64_t count, std::int64_t width, const T* row, T* to) {
  for (std::int64_t i = global_thread(); i < count; i += grid_threads()) to[i] = row[i % width];
}

/// to[r, :] = row for r < rows, such as the bias that a product is then added to.
template <class T>
void repeat_row(const char* name, std::int64_t rows, std::int64_t width, const T* row, T* to) {
  launch(name, repeat_row_kernel<T>, blocks_for(rows * width), 256, 0, rows * width, width, row, to);
}

template <class T>
__global__ void fill_kernel(std::int64_t n, T value, T* to) {
  for (std::int64_t i = global_thread(); i < n; i += grid_threads()) to[i] = value;
}

template <class T>
void fill(const char* name, std::int64_t n, T value, T* to) {
  launch(name, fill_kernel<T>, blocks_for(n), 256, 0, n, value, to);
}

}  // namespace lrurec::cuda
