#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// y[r, c] = x[r, 0] + ... + x[r, c]; x, y: [rows, columns] dense.
template <class T>
void cumsum_rows(Cpu, std::int64_t rows, std::int64_t columns, const T* x, T* y);
template <class T>
void cumsum_rows(Cuda, std::int64_t rows, std::int64_t columns, const T* x, T* y);

}  // namespace lrurec::ops::kernels
