#pragma once
// How a batch is packed on a GPU from training sequences that lie there: which element each token is.

#include <cstdint>

#include "tensor/device.h"
#include "tensor/host_device.h"

namespace lrurec::data::kernels {

/// A batch as its segments (PackedBatch). Token offsets[s] + i of segment s has label ids[first + i] and the
/// item before it as input; a start token is a segment of its own.
struct Segments {
  std::int64_t count, tokens;
  const std::int64_t* offsets;  ///< [count + 1]; no segment is empty
  const std::int64_t* codes;    ///< [count] segment_code
};

/// One number for where a segment's first label lies in the ids and whether its input is the start token: it
/// is negative for the start token.
LRUREC_HOST_DEVICE inline std::int64_t segment_code(std::int64_t first_label, bool start_token) {
  return start_token ? ~first_label : first_label;
}

struct TokenSource {
  std::int64_t label;  ///< position in the ids; the input lies before it
  bool start_token;    ///< the input is item 0
};
LRUREC_HOST_DEVICE inline TokenSource source_of(const Segments& segments, std::int64_t token) {
  std::int64_t low = 0, high = segments.count;  // its segment is one of low .. high - 1
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (segments.offsets[middle] <= token ? low : high) = middle;
  }
  const std::int64_t code = segments.codes[low], inside = token - segments.offsets[low];
  return {(code < 0 ? ~code : code) + inside, code < 0};
}

/// items, labels: [tokens]
void pack_segments(Cpu, const Segments& segments, const std::int32_t* ids, std::int64_t* items,
                   std::int64_t* labels);
void pack_segments(Cuda, const Segments& segments, const std::int32_t* ids, std::int64_t* items,
                   std::int64_t* labels);

}  // namespace lrurec::data::kernels
