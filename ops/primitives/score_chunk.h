#pragma once

#include <algorithm>
#include <cstdint>

namespace lrurec::cuda {

/// Elements from row to row of scores over C classes: a multiple of 8, so of 16 bytes or more, which suits
/// cuBLAS.
inline std::int64_t score_row(std::int64_t C) { return (C + 7) / 8 * 8; }

/// How many rows of scores over C classes are computed together: as many as stay in two fifths of the L2
/// cache, so that the next kernel does not read them from memory. With very many classes that would be a
/// handful of rows, and the weight would be read for each handful; then it is 128 rows, in at most 1 GiB.
inline std::int64_t score_chunk_rows(std::int64_t n, std::int64_t C, std::int64_t element_bytes,
                                     std::int64_t l2_cache_bytes) {
  const std::int64_t row = std::max<std::int64_t>(1, score_row(C) * element_bytes);
  const std::int64_t in_cache = l2_cache_bytes / 5 * 2 / row,
                     in_memory = std::min<std::int64_t>(128, (std::int64_t{1} << 30) / row);
  return std::clamp<std::int64_t>(std::max(in_cache, in_memory), 1, std::max<std::int64_t>(n, 1));
}

}  // namespace lrurec::cuda
