#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// Places in the rows of a dense [rows, size]: index[r, j], [rows, taken] dense, in 0..size-1.
struct Places {
  std::int64_t rows, size, taken;
  const std::int64_t* index;
};

/// y[r, j] = x[r, index[r, j]]
template <class T>
void gather(Cpu, const Places& at, const T* x, T* y);
template <class T>
void gather(Cuda, const Places& at, const T* x, T* y);

/// y[r, index[r, j]] += source[r, j], in the order of j
template <class T>
void scatter_add(Cpu, const Places& at, const T* source, T* y);
/// The elements of one place are summed first, in the order of j and in parts of run_chunk, and then added to
/// y.
template <class T>
void scatter_add(Cuda, const Places& at, const T* source, T* y);

}  // namespace lrurec::ops::kernels
