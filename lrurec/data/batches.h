#pragma once
// Which sequences make a batch, in training and in evaluation; how they lie in memory: batch.h.

#include <cstdint>
#include <vector>

#include "lrurec/data/batch.h"
#include "lrurec/data/dataset.h"

namespace lrurec::data {

/// One training example: items first .. first+length-1 of a user's training items.
///
/// A user of fewer than 2 L training items gives one window of all of them; one of more gives full windows of
/// L, counted from the end, and drops what is left at the head (the published implementation's rule). The
/// labels are the last L items of the window, the inputs the items before each of them; where a label is the
/// first item of the window, its input is the start token.
struct Window {
  std::int64_t user, first, length;
};
std::vector<Window> training_windows(const Dataset& data, std::int64_t max_length);
/// Number of labels of one window: min(length, L).
std::int64_t label_count(const Window& window, std::int64_t max_length);
/// Appends a window to a batch.
void pack_window(const Dataset& data, const Window& window, std::int64_t max_length, PackedBatch& batch);

/// Training batches in the order of epochs. Batch b of epoch e is a function of (seed, e, b) alone, so a
/// resumed run continues at any step. The order is a Fisher-Yates shuffle driven by Philox(seed, 2^63 + e).
class Batcher {
 public:
  Batcher(const Dataset& data, std::int64_t max_length, std::int64_t batch_size, std::uint64_t seed);

  std::int64_t windows() const { return static_cast<std::int64_t>(windows_.size()); }
  std::int64_t steps_per_epoch() const;
  /// 0 <= index < steps_per_epoch(); the last batch of an epoch may be smaller.
  PackedBatch batch(std::int64_t epoch, std::int64_t index);
  /// The windows of that batch, in the order in which they are packed.
  std::vector<Window> batch_windows(std::int64_t epoch, std::int64_t index);

 private:
  const Dataset& data_;
  std::int64_t max_length_, batch_size_;
  std::uint64_t seed_;
  std::vector<Window> windows_;
  std::vector<std::uint32_t> order_;  ///< of the epoch shuffled last
  std::int64_t shuffled_epoch_ = -1;
};

/// The last L items of each user's history before the split's target, one segment a user, in the order of
/// `users`.
PackedBatch pack_histories(const Dataset& data, std::span<const std::int64_t> users, Split split,
                           std::int64_t max_length);

}  // namespace lrurec::data
