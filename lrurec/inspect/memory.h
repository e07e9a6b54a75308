#pragma once
// What a model remembers of a history, item by item.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lrurec/model/model.h"

namespace lrurec::inspect {

struct ItemMemory {
  std::int32_t item = 0;
  /// In each block, how much of the last state h_L came in with this item. By equation 3,
  /// h_L = sum_k lambda^(L-k) u_k with u_k = exp(gamma_log) * (B x_k + b_B); the share of item k is
  /// Re <h_L, lambda^(L-k) u_k> / |h_L|^2. Shares add up to 1 and may be negative. In the first block x_k is
  /// the item's own embedding, so this is exact; in the blocks after it, and behind a gated LRU's
  /// convolution, x_k already holds earlier items.
  std::vector<double> share;
  /// The candidate's score minus its score without this item: exact, by running the model again. If the
  /// history is longer than what the model reads, an older item is then read in its place. Absent for a
  /// history of one item.
  std::optional<double> score_change;
};

struct Memory {
  double score = 0;               ///< of the candidate after the whole history
  std::vector<ItemMemory> items;  ///< those that the model reads
};

/// history: items 1..|I|, oldest first; an empty one is ErrorKind::internal. The model reads its last
/// Model::input_length(max_length) items. user: 1..|U|, 0: somebody else. The memory it takes grows with the
/// square of the number of items that are read.
Memory memory(const model::Model& model, std::span<const std::int32_t> history, std::int32_t candidate,
              std::int64_t max_length, std::int64_t user = 0);

}  // namespace lrurec::inspect
