#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

/// indices and values: [rows, k]; x: [rows, columns], dense. Selects without sorting the whole row.
template <class T>
void top_k(Cpu, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* x, std::int64_t* indices,
           T* values);
/// The same for k <= top_k_most_on_gpu.
template <class T>
void top_k(Cuda, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* x, std::int64_t* indices,
           T* values);
inline constexpr std::int64_t top_k_most_on_gpu = 2048;

/// dx[r, indices[r, j]] = dy[r, j]; the caller has set dx to zero.
template <class T>
void scatter_rows(Cpu, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* dy,
                  const std::int64_t* indices, T* dx);
template <class T>
void scatter_rows(Cuda, std::int64_t rows, std::int64_t columns, std::int64_t k, const T* dy,
                  const std::int64_t* indices, T* dx);

}  // namespace lrurec::ops::kernels
