#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

inline constexpr std::int64_t top_k_tile = 128;  ///< classes

/// tiles [(C + 127) / 128, H, 128] of W [C, H], zeros beyond the last class. On the CPU only: a GPU
/// multiplies by W itself.
template <class T>
void pack_classes(std::int64_t C, std::int64_t H, const T* weight, T* tiles);

template <class T>
struct LinearTopK {
  std::int64_t n, H, C, k;
  const T *x, *tiles, *bias;                        ///< tiles: on a GPU W [C, H]
  const std::int64_t *excluded_offsets, *excluded;  ///< of a row in rising order
};

/// indices, values: [n, k], -1 and -infinity where a row has fewer candidates. broken: [1], becomes other
/// than 0 where a score is not finite. The GPU needs k <= C and linear_top_k_most_on_gpu, and leaves the
/// index where the value is -infinity.
template <class T>
void linear_top_k(Cpu, const LinearTopK<T>& f, std::int64_t* indices, T* values, std::int32_t* broken);
template <class T>
void linear_top_k(Cuda, const LinearTopK<T>& f, std::int64_t* indices, T* values, std::int32_t* broken);
inline constexpr std::int64_t linear_top_k_most_on_gpu = 2048;

}  // namespace lrurec::ops::kernels
