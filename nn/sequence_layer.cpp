#include "nn/sequence_layer.h"

#include "ops/embedding/embedding.h"
#include "tensor/error.h"

namespace lrurec::nn {

Variable SequenceLayer::mix_last(const Variable& x, const IndexTensor& offsets) const {
  return ops::embedding(mix(x, offsets, {}), last_tokens(offsets));
}

IndexTensor last_tokens(const IndexTensor& offsets) {
  auto rows = offsets.host().to_vector<std::int64_t>();
  for (std::size_t s = 0; s + 1 < rows.size(); ++s) {
    if (rows[s] == rows[s + 1]) fail_op("last_tokens", "sequence {} is empty and has no last token", s);
  }
  rows.erase(rows.begin());
  for (auto& row : rows) --row;
  return IndexTensor(Tensor::from(rows)).to(offsets.device());
}

}  // namespace lrurec::nn
