#include "lrurec/data/batches.h"

#include <algorithm>
#include <numeric>

#include "tensor/error.h"
#include "tensor/random.h"

namespace lrurec::data {

Batcher::Batcher(const Dataset& data, const ExampleOptions& options, std::int64_t batch_size,
                 std::uint64_t seed)
    : data_(data),
      options_(options),
      batch_size_(batch_size),
      seed_(seed),
      examples_(training_examples(data, options)),
      order_(examples_.size()) {
  if (examples_.empty())
    fail(ErrorKind::data, "the data set has no training item; prepare it with another --split or --filter");
  if (batch_size < 1) fail(ErrorKind::internal, "the batch size must be at least 1, not {}", batch_size);
}

std::int64_t Batcher::steps_per_epoch() const { return (examples() + batch_size_ - 1) / batch_size_; }

std::vector<Window> Batcher::batch_examples(std::int64_t epoch, std::int64_t index) {
  if (epoch < 0 || index < 0 || index >= steps_per_epoch()) {
    fail(ErrorKind::internal, "there is no batch {} of epoch {}: an epoch has {}", index, epoch,
         steps_per_epoch());
  }
  if (epoch != shuffled_epoch_) {
    const Philox random(seed_, (std::uint64_t{1} << 63) + static_cast<std::uint64_t>(epoch));
    std::iota(order_.begin(), order_.end(), 0);
    for (std::uint64_t i = order_.size() - 1; i > 0; --i)
      std::swap(order_[i], order_[random.below(i, i + 1)]);
    shuffled_epoch_ = epoch;
  }
  std::vector<Window> result;
  for (std::int64_t i = index * batch_size_; i < std::min(examples(), (index + 1) * batch_size_); ++i) {
    result.push_back(examples_[order_[static_cast<std::size_t>(i)]]);
  }
  return result;
}

PackedBatch Batcher::batch(std::int64_t epoch, std::int64_t index) {
  const auto step = static_cast<std::uint64_t>(epoch * steps_per_epoch() + index);
  const Philox random(seed_, (std::uint64_t{1} << 63) + (std::uint64_t{1} << 61) + step);
  return pack_examples(data_, batch_examples(epoch, index), options_, random);
}

PackedBatch pack_histories(const Dataset& data, std::span<const std::int64_t> users, Split split,
                           std::int64_t max_length) {
  PackedBatch batch;
  for (const auto user : users) {
    Items history = data.history(user, split);
    history = history.last(std::min(history.size(), static_cast<std::size_t>(max_length)));
    batch.items.insert(batch.items.end(), history.begin(), history.end());
    batch.offsets.push_back(batch.tokens());
    batch.users.push_back(user + 1);
    ++batch.sequences;
  }
  return batch;
}

}  // namespace lrurec::data
