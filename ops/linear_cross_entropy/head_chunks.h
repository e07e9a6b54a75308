#pragma once

#include <algorithm>
#include <cstdint>

namespace lrurec::ops {

/// How the GPU's prediction head takes the tokens: as many at a time as have their scores in the second-level
/// cache, where the three products and the softmax find them again.
struct HeadChunks {
  std::int64_t tokens;
  std::int64_t row;   ///< elements between rows of scores: the classes, rounded up to 16 bytes and more
  std::int64_t size;  ///< tokens at a time

  HeadChunks(std::int64_t all_tokens, std::int64_t classes, std::int64_t element_bytes, std::int64_t asked)
      : tokens(all_tokens), row((classes + 7) / 8 * 8) {
    // Half of an H200's 60 MB; with fewer than 128 rows a product does not fill the GPU.
    constexpr std::int64_t cache = std::int64_t{32} << 20, least = 128;
    size = asked > 0 ? asked : std::max(least, cache / (row * element_bytes) / least * least);
    size = std::max<std::int64_t>(std::min(size, tokens), 1);
  }

  std::int64_t count() const { return (tokens + size - 1) / size; }
  std::int64_t begin(std::int64_t chunk) const { return chunk * size; }
  std::int64_t length(std::int64_t chunk) const { return std::min(size, tokens - begin(chunk)); }
};

}  // namespace lrurec::ops
