#pragma once
// How the GPU shares out time. Plain functions of sizes, so that tests need no GPU.

#include <cstdint>
#include <vector>

#include "tensor/host_device.h"

namespace lrurec::cuda {

/// Rows of time that one warp holds in registers.
inline constexpr int rows_per_warp = 16;

/// How many warps scan a sequence in a block: enough for the average sequence, a power of two, at most 8 (128
/// rows at a time).
LRUREC_HOST_DEVICE inline int scan_warps(std::int64_t tokens, std::int64_t sequences) {
  const std::int64_t average = sequences > 0 ? (tokens + sequences - 1) / sequences : 0;
  int warps = 1;
  while (warps < 8 && warps * rows_per_warp < average) warps *= 2;
  return warps;
}

/// x^n for n >= 0 by squaring; `one` is x^0, `product` multiplies.
template <class T, class Product>
LRUREC_HOST_DEVICE T power(T x, std::int64_t n, T one, Product product) {
  T result = one;
  for (; n > 0; n /= 2) {
    if (n % 2 == 1) result = product(result, x);
    x = product(x, x);
  }
  return result;
}

/// A piece of a sequence that one block scans: rows begin .. end-1.
struct TimeChunk {
  std::int64_t begin, end;
  std::int64_t sequence;
  bool first, last;  ///< of its sequence, in the order of rows
};

/// Whether sequences are so few and long that time itself must be cut to fill the GPU.
inline bool cut_time(std::int64_t tokens, std::int64_t sequences) {
  constexpr std::int64_t few = 33, long_enough = 4096;
  return sequences < few && sequences > 0 && tokens >= long_enough * sequences;
}

/// Sequences cut into chunks of `length` rows; an empty sequence is one empty chunk.
inline std::vector<TimeChunk> time_chunks(const std::int64_t* offsets, std::int64_t sequences,
                                          std::int64_t length) {
  std::vector<TimeChunk> chunks;
  for (std::int64_t s = 0; s < sequences; ++s) {
    const std::int64_t begin = offsets[s], end = offsets[s + 1];
    std::int64_t at = begin;
    do {
      const std::int64_t next = at + length < end ? at + length : end;
      chunks.push_back({at, next, s, at == begin, next == end});
      at = next;
    } while (at < end);
  }
  return chunks;
}

}  // namespace lrurec::cuda
