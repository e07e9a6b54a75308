#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

template <class T>
struct LinearRank {
  std::int64_t n, H, C;
  const T *x, *weight, *bias;
  const std::int64_t *targets, *excluded_offsets, *excluded;
};

/// ranks [n]; losses [n] or null. A rank of -1 stands for a row with a score that is not finite.
template <class T>
void linear_ranks(const LinearRank<T>& f, std::int64_t* ranks, T* losses);

}  // namespace lrurec::ops::cpu
