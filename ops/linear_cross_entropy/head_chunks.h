#pragma once

#include <algorithm>
#include <cstdint>

namespace lrurec::ops {

/// How many tokens the GPU's prediction head takes at a time: as many as have their scores in half of the L2
/// cache, where the three products and the softmax find them again.
struct HeadChunks {
  std::int64_t tokens;
  std::int64_t row;   ///< elements between rows of scores: the classes, rounded up to a multiple of 8
  std::int64_t size;  ///< tokens at a time

  HeadChunks(std::int64_t all_tokens, std::int64_t classes, std::int64_t element_bytes, std::int64_t asked,
             std::int64_t l2_cache_bytes)
      : tokens(all_tokens), row((classes + 7) / 8 * 8) {
    constexpr std::int64_t least = 128;  // with fewer rows a product does not fill the GPU
    const std::int64_t fitting = l2_cache_bytes / 2 / (row * element_bytes);
    size = asked > 0 ? asked : std::max(least, fitting / least * least);
    size = std::max<std::int64_t>(std::min(size, tokens), 1);
  }

  std::int64_t count() const { return (tokens + size - 1) / size; }
  std::int64_t begin(std::int64_t chunk) const { return chunk * size; }
  std::int64_t length(std::int64_t chunk) const { return std::min(size, tokens - begin(chunk)); }
};

}  // namespace lrurec::ops
