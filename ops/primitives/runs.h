#pragma once
// Runs of equal keys in a sorted list that is cut into chunks, and which of them cross from chunk to chunk.

#include <cstdint>

#include "tensor/host_device.h"

namespace lrurec::cuda {

inline constexpr std::int64_t run_chunk = 16;

/// One chunk of a sorted list of n keys; not empty.
struct ChunkOfRuns {
  const std::int32_t* keys;
  std::int64_t n, first, last;  ///< positions first .. last - 1

  LRUREC_HOST_DEVICE ChunkOfRuns(const std::int32_t* sorted, std::int64_t count, std::int64_t chunk)
      : keys(sorted),
        n(count),
        first(chunk * run_chunk),
        last(first + run_chunk < n ? first + run_chunk : n) {}

  /// Whether the run of `key`, which has an element here, began in an earlier chunk.
  LRUREC_HOST_DEVICE bool began_before(std::int32_t key) const { return first > 0 && keys[first - 1] == key; }
  /// Whether it goes on in the next one.
  LRUREC_HOST_DEVICE bool goes_on(std::int32_t key) const { return last < n && keys[last] == key; }
};

/// A run that crosses chunks is summed chunk by chunk. This is the place where a chunk keeps its part of a
/// run that began before it, or of a run that goes on after it.
LRUREC_HOST_DEVICE inline std::int64_t part_of_run(std::int64_t chunk, bool began_before) {
  return 2 * chunk + (began_before ? 0 : 1);
}

}  // namespace lrurec::cuda
