#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

inline constexpr std::int64_t top_k_tile = 128;  ///< classes

/// tiles [(C + 127) / 128, H, 128] of W [C, H], zeros beyond the last class.
template <class T>
void pack_classes(std::int64_t C, std::int64_t H, const T* weight, T* tiles);

template <class T>
struct LinearTopK {
  std::int64_t n, H, C, k;
  const T *x, *tiles, *bias;
  const std::int64_t *excluded_offsets, *excluded;  ///< of a row in rising order
};

/// indices, values: [n, k]. Returns whether all scores were finite.
template <class T>
bool linear_top_k(const LinearTopK<T>& f, std::int64_t* indices, T* values);

}  // namespace lrurec::ops::cpu
