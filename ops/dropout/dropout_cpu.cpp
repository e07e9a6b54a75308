#include <algorithm>
#include <array>

#include "ops/dropout/kernels.h"
#include "tensor/dtype.h"
#include "tensor/random.h"
#include "tensor/strided_loop.h"

namespace lrurec::ops::cpu {

// Sixteen counters at a time, so that the rounds of Philox run in vector registers.
template <class T>
void dropout(std::int64_t n, const T* x, std::uint64_t seed, std::uint64_t stream, std::uint32_t threshold,
             double scale, T* out) {
  using R = real_type<T>;
  constexpr std::int64_t block = 4 * Philox::lanes;
  const Philox random(seed, stream);
  const R factor = static_cast<R>(scale);
  const std::int64_t blocks = (n + block - 1) / block;
#pragma omp parallel for schedule(static) if (n > parallel_grain)
  for (std::int64_t b = 0; b < blocks; ++b) {
    std::array<std::uint32_t, block> words;
    random.words_of_lanes(static_cast<std::uint64_t>(b) * Philox::lanes, words.data());
    const std::int64_t start = b * block, count = std::min(block, n - start);
    for (std::int64_t i = 0; i < count; ++i) {
      out[start + i] = x[start + i] * (words[static_cast<std::size_t>(i)] >= threshold ? factor : R(0));
    }
  }
}

#define DROPOUT(T) \
  template void dropout<T>(std::int64_t, const T*, std::uint64_t, std::uint64_t, std::uint32_t, double, T*);
DROPOUT(float)
DROPOUT(double)
DROPOUT(c64)
DROPOUT(c128)

}  // namespace lrurec::ops::cpu
