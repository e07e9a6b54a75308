#include "nn/sequence_layer.h"

#include "ops/embedding/embedding.h"

namespace lrurec::nn {

Variable SequenceLayer::mix_last(const Variable& x, const IndexTensor& offsets) const {
  return ops::embedding(mix(x, offsets, {}), last_tokens(offsets));
}

IndexTensor last_tokens(const IndexTensor& offsets) {
  auto rows = offsets.host().to_vector<std::int64_t>();
  rows.erase(rows.begin());
  for (auto& row : rows) --row;
  return IndexTensor(Tensor::from(rows)).to(offsets.device());
}

}  // namespace lrurec::nn
