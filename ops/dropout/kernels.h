#pragma once

#include <cstdint>

namespace lrurec::ops::cpu {

/// out[i] = x[i] * scale where the 32-bit random word of element i is >= threshold, else 0.
template <class T>
void dropout(std::int64_t n, const T* x, std::uint64_t seed, std::uint64_t stream, std::uint32_t threshold,
             double scale, T* out);

}  // namespace lrurec::ops::cpu
