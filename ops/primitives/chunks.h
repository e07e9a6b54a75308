#pragma once
// How a sum over many elements is cut into parts that are summed side by side and then joined in order. The
// cut depends on the number of elements alone, not on the GPU: the same bits everywhere.

#include <algorithm>
#include <cstdint>

#include "tensor/host_device.h"

namespace lrurec::cuda {

/// 0..n-1 in `count` chunks of `size` elements, the last one perhaps shorter. One empty chunk for n = 0.
struct Chunks {
  std::int64_t n, size, count;

  /// Chunks of at least `least` elements, at most `most` of them.
  Chunks(std::int64_t elements, std::int64_t least, std::int64_t most)
      : n(elements),
        size(std::max(least, (n + most - 1) / most)),
        count(std::max<std::int64_t>((n + size - 1) / size, 1)) {}

  LRUREC_HOST_DEVICE std::int64_t begin(std::int64_t chunk) const { return chunk * size; }
  LRUREC_HOST_DEVICE std::int64_t end(std::int64_t chunk) const {
    const std::int64_t full = (chunk + 1) * size;
    return full < n ? full : n;
  }
};

}  // namespace lrurec::cuda
