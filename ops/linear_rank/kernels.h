#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace lrurec::ops::kernels {

template <class T>
struct LinearRank {
  std::int64_t n, H, C;
  const T *x, *weight, *bias;
  const std::int64_t *targets, *excluded_offsets, *excluded;  ///< checked
};

/// ranks [n], at least 1; losses [n] or null. A rank of -1 stands for a row with a score that is not finite.
template <class T>
void linear_ranks(Cpu, const LinearRank<T>& f, std::int64_t* ranks, T* losses);
template <class T>
void linear_ranks(Cuda, const LinearRank<T>& f, std::int64_t* ranks, T* losses);

}  // namespace lrurec::ops::kernels
