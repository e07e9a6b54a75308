#pragma once
// The training sequences in a GPU's memory: a step sends two numbers for each segment of its batch, and the
// tokens are put together there.

#include <cstdint>
#include <span>
#include <vector>

#include "lrurec/data/batches.h"
#include "tensor/index_tensor.h"

namespace lrurec::data {

/// Packs batches on the GPU, with the bits that Batcher and to_tensors give.
class DeviceBatches {
 public:
  /// Sends all training items.
  DeviceBatches(const Dataset& data, std::int64_t max_length, Device device);
  BatchTensors pack(std::span<const Window> windows) const;

  /// The training items of all users, one after the other.
  const Tensor& ids() const { return ids_; }

 private:
  /// The segments of a batch, as kernels::Segments has them.
  struct SegmentList {
    std::vector<std::int64_t> codes, offsets{0};
  };
  SegmentList segments_of(std::span<const Window> windows) const;

  std::int64_t max_length_, items_;
  std::vector<std::int64_t> first_;  ///< of each user in ids_
  Tensor ids_;                       ///< i32
};

}  // namespace lrurec::data
