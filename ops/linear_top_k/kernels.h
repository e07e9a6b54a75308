#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

class ClassCodes;

template <class T>
struct LinearTopK {
  std::int64_t n, H, C, k;
  const T *x, *weight, *bias;
  const std::int64_t *excluded_offsets, *excluded;  ///< of a row in rising order; checked
  const ClassCodes* codes;                          ///< of weight and bias; null: score all classes
};

/// indices, values: [n, k], -1 and -infinity where a row has fewer candidates. broken: [1], set to other than
/// 0 where a score is not finite. Returns how many scores were computed. The GPU needs k <= C and k <=
/// linear_top_k_most_on_gpu, and may leave any index where the value is -infinity.
template <class T>
std::int64_t linear_top_k(Cpu, const LinearTopK<T>& f, std::int64_t* indices, T* values,
                          std::int32_t* broken);
template <class T>
std::int64_t linear_top_k(Cuda, const LinearTopK<T>& f, std::int64_t* indices, T* values,
                          std::int32_t* broken);
inline constexpr std::int64_t linear_top_k_most_on_gpu = 2048;

}  // namespace lrurec::ops::kernels
