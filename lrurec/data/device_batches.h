#pragma once
// The training sequences in a GPU's memory: a step sends two numbers for each segment of its batch, and the
// tokens are put together there.

#include <cstdint>
#include <span>
#include <vector>

#include "lrurec/data/batches.h"
#include "tensor/index_tensor.h"

namespace lrurec::data {

/// A PackedBatch as tensors.
struct BatchTensors {
  IndexTensor items, offsets, labels;
};
/// Packed on the CPU and sent.
BatchTensors to_tensors(const PackedBatch& batch, Device device);

/// The segments of a batch (kernels::Segments), as the CPU makes them.
struct SegmentList {
  std::vector<std::int64_t> codes, offsets{0};
};

class DeviceBatches {
 public:
  /// Sends all training items.
  DeviceBatches(const Dataset& data, std::int64_t max_length, Device device);
  /// The same bits as to_tensors of the batch of these windows.
  BatchTensors pack(std::span<const Window> windows) const;

  SegmentList segments_of(std::span<const Window> windows) const;
  /// The training items of all users, one after the other.
  const Tensor& ids() const { return ids_; }

 private:
  std::int64_t max_length_, items_;
  std::vector<std::int64_t> first_;  ///< of each user in ids_
  Tensor ids_;                       ///< i32
};

}  // namespace lrurec::data
