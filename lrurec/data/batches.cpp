#include "lrurec/data/batches.h"

#include <algorithm>
#include <numeric>

#include "tensor/error.h"
#include "tensor/random.h"

namespace lrurec::data {

std::vector<Window> training_windows(const Dataset& data, std::int64_t L) {
  if (L < 1) fail(ErrorKind::internal, "the maximum length must be at least 1, not {}", L);
  std::vector<Window> windows;
  for (std::int64_t user = 0; user < data.users(); ++user) {
    const auto n = static_cast<std::int64_t>(data.train(user).size());
    if (n == 0) continue;
    if (n < 2 * L) {
      windows.push_back({user, 0, n});
    } else {
      for (std::int64_t end = n; end >= L; end -= L) windows.push_back({user, end - L, L});
    }
  }
  return windows;
}

std::int64_t label_count(const Window& window, std::int64_t L) { return std::min(window.length, L); }

void pack_window(const Dataset& data, const Window& window, std::int64_t L, PackedBatch& batch) {
  const Items items =
      data.train(window.user)
          .subspan(static_cast<std::size_t>(window.first), static_cast<std::size_t>(window.length));
  const std::int64_t labels = label_count(window, L);
  const std::int64_t first_label = window.length - labels;
  if (first_label == 0) {
    batch.items.push_back(0);
    batch.labels.push_back(items[0]);
    batch.offsets.push_back(batch.tokens());
  }
  for (std::int64_t label = std::max<std::int64_t>(first_label, 1); label < window.length; ++label) {
    batch.items.push_back(items[static_cast<std::size_t>(label - 1)]);
    batch.labels.push_back(items[static_cast<std::size_t>(label)]);
  }
  if (batch.offsets.back() != batch.tokens()) batch.offsets.push_back(batch.tokens());
  ++batch.sequences;
}

Batcher::Batcher(const Dataset& data, std::int64_t max_length, std::int64_t batch_size, std::uint64_t seed)
    : data_(data),
      max_length_(max_length),
      batch_size_(batch_size),
      seed_(seed),
      windows_(training_windows(data, max_length)),
      order_(windows_.size()) {
  if (windows_.empty()) fail(ErrorKind::data, "the data set has no training item");
  if (batch_size < 1) fail(ErrorKind::internal, "the batch size must be at least 1, not {}", batch_size);
}

std::int64_t Batcher::steps_per_epoch() const { return (windows() + batch_size_ - 1) / batch_size_; }

std::vector<Window> Batcher::batch_windows(std::int64_t epoch, std::int64_t index) {
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
  for (std::int64_t i = index * batch_size_; i < std::min(windows(), (index + 1) * batch_size_); ++i) {
    result.push_back(windows_[order_[static_cast<std::size_t>(i)]]);
  }
  return result;
}

PackedBatch Batcher::batch(std::int64_t epoch, std::int64_t index) {
  PackedBatch batch;
  for (const auto& window : batch_windows(epoch, index)) pack_window(data_, window, max_length_, batch);
  return batch;
}

PackedBatch pack_histories(const Dataset& data, std::span<const std::int64_t> users, Split split,
                           std::int64_t max_length) {
  PackedBatch batch;
  for (const auto user : users) {
    Items history = data.history(user, split);
    history = history.last(std::min(history.size(), static_cast<std::size_t>(max_length)));
    batch.items.insert(batch.items.end(), history.begin(), history.end());
    batch.offsets.push_back(batch.tokens());
    ++batch.sequences;
  }
  return batch;
}

}  // namespace lrurec::data
