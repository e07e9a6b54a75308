#pragma once
// A batch in memory: sequences of any length one after the other, without padding.
//
// Two users; one bought items 5 3 8, the other 7 2:
//
//   items     0   5   3   0   7      what the model reads; 0 is the start token
//   labels    5   3   8   7   2      what it is to predict from there
//   offsets  |0  |1      |3  |4  |5  where segments begin and end
//
// The state of the recurrence is carried within a segment and never over its end. A start token is a segment
// of its own: it predicts the first item, and its state is not carried on.

#include <cstdint>
#include <vector>

#include "tensor/index_tensor.h"

namespace lrurec::data {

struct PackedBatch {
  std::vector<std::int64_t> items;       ///< [tokens] input ids
  std::vector<std::int64_t> labels;      ///< what is to be predicted, 1..|I|; empty for evaluation
  std::vector<std::int64_t> offsets{0};  ///< [segments + 1]
  std::vector<std::int64_t> users;       ///< [segments] 1..|U|, 0: unknown
  /// [labels] the token that predicts each; empty: every token has a label, or every segment
  std::vector<std::int64_t> predicted_from;
  std::int64_t sequences = 0;

  std::int64_t tokens() const { return static_cast<std::int64_t>(items.size()); }
};

/// The same as the model takes it, on any device.
struct BatchTensors {
  IndexTensor items{}, offsets{}, labels{}, users{}, predicted_from{};
};
BatchTensors to_tensors(const PackedBatch& batch, Device device);

}  // namespace lrurec::data
