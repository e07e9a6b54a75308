#include "lrurec/data/batch.h"

namespace lrurec::data {

BatchTensors to_tensors(const PackedBatch& batch, Device device) {
  const auto send = [&](const std::vector<std::int64_t>& ids) {
    return IndexTensor(Tensor::from(ids)).to(device);
  };
  return {send(batch.items), send(batch.offsets), send(batch.labels), send(batch.users),
          batch.predicted_from.empty() ? IndexTensor() : send(batch.predicted_from)};
}

}  // namespace lrurec::data
