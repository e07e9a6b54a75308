#pragma once

#include <cstdint>

#include "tensor/cuda/kernel.h"

namespace lrurec::cuda {

/// The tokens of a sequence of a packed batch.
struct TokenRange {
  std::int64_t first, end;
};

/// The sequence of a token, by bisection of offsets [sequences + 1]: the last one that begins at or before
/// it.
__device__ inline TokenRange sequence_of(const std::int64_t* offsets, std::int64_t sequences,
                                         std::int64_t token) {
  std::int64_t low = 0, high = sequences;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (offsets[middle] <= token ? low : high) = middle;
  }
  return {offsets[low], offsets[low + 1]};
}

}  // namespace lrurec::cuda
