#pragma once
// Which sequences make a batch, in training and in evaluation; how they lie in memory: batch.h.

#include <cstdint>
#include <vector>

#include "lrurec/data/examples.h"

namespace lrurec::data {

/// Training batches in the order of epochs. Batch b of epoch e is a function of (seed, e, b) alone, so a
/// resumed run continues at any step. The order is a Fisher-Yates shuffle driven by Philox(seed, 2^63 + e);
/// what a cloze hides at step s by Philox(seed, 2^63 + 2^61 + s).
class Batcher {
 public:
  /// Data without a training item are ErrorKind::data.
  Batcher(const Dataset& data, const ExampleOptions& options, std::int64_t batch_size, std::uint64_t seed);

  std::int64_t examples() const { return std::ssize(examples_); }
  std::int64_t steps_per_epoch() const;
  /// 0 <= index < steps_per_epoch(); the last batch of an epoch may be smaller.
  PackedBatch batch(std::int64_t epoch, std::int64_t index);
  /// The examples of that batch, in the order in which they are packed.
  std::vector<Window> batch_examples(std::int64_t epoch, std::int64_t index);

 private:
  const Dataset& data_;
  ExampleOptions options_;
  std::int64_t batch_size_;
  std::uint64_t seed_;
  std::vector<Window> examples_;
  std::vector<std::uint32_t> order_;  ///< of the epoch shuffled last
  std::int64_t shuffled_epoch_ = -1;
};

/// The last L items of each user's history before the split's target, one segment a user, in the order of
/// `users`.
PackedBatch pack_histories(const Dataset& data, std::span<const std::int64_t> users, Split split,
                           std::int64_t max_length);

}  // namespace lrurec::data
