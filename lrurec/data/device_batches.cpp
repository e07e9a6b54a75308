#include "lrurec/data/device_batches.h"

#include "lrurec/data/pack_segments.h"

namespace lrurec::data {

void kernels::pack_segments(Cpu, const Segments& segments, const std::int32_t* ids, std::int64_t* items,
                            std::int64_t* labels) {
  for (std::int64_t t = 0; t < segments.tokens; ++t) {
    const TokenSource from = source_of(segments, t);
    items[t] = from.start_token ? 0 : ids[from.label - 1];
    labels[t] = ids[from.label];
  }
}

BatchTensors to_tensors(const PackedBatch& batch, Device device) {
  return {Tensor::from(batch.items).to(device), Tensor::from(batch.offsets).to(device),
          Tensor::from(batch.labels).to(device)};
}

DeviceBatches::DeviceBatches(const Dataset& data, std::int64_t max_length, Device device)
    : max_length_(max_length), items_(data.items()) {
  std::vector<std::int32_t> ids;
  for (std::int64_t user = 0; user < data.users(); ++user) {
    first_.push_back(std::ssize(ids));
    const Items train = data.train(user);
    ids.insert(ids.end(), train.begin(), train.end());
  }
  // What is sent is remembered on the CPU; a copy made there is not.
  ids_ = Tensor::from(ids).to(device).clone();
}

SegmentList DeviceBatches::segments_of(std::span<const Window> windows) const {
  SegmentList list;
  const auto add = [&](std::int64_t first_label, std::int64_t tokens, bool start_token) {
    if (tokens == 0) return;
    list.codes.push_back(kernels::segment_code(first_label, start_token));
    list.offsets.push_back(list.offsets.back() + tokens);
  };
  for (const Window& window : windows) {
    const std::int64_t begin = first_[static_cast<std::size_t>(window.user)] + window.first,
                       labels = label_count(window, max_length_), starts = labels == window.length ? 1 : 0;
    add(begin, starts, true);
    add(begin + window.length - labels + starts, labels - starts, false);
  }
  return list;
}

BatchTensors DeviceBatches::pack(std::span<const Window> windows) const {
  const SegmentList list = segments_of(windows);
  const Device device = ids_.device();
  const Shape tokens{list.offsets.back()};
  const Tensor codes = Tensor::from(list.codes).to(device);
  BatchTensors batch{Tensor::empty(tokens, DType::i64, device), Tensor::from(list.offsets).to(device),
                     Tensor::empty(tokens, DType::i64, device)};
  const kernels::Segments segments{codes.numel(), tokens[0], batch.offsets.data<std::int64_t>(),
                                   codes.data<std::int64_t>()};
  on_device("pack_segments", device, [&](auto where) {
    kernels::pack_segments(where, segments, ids_.data<std::int32_t>(), batch.items.data<std::int64_t>(),
                           batch.labels.data<std::int64_t>());
  });
  // The data set's ids were checked when it was read.
  batch.items.promise_range({0, items_});
  batch.labels.promise_range({1, items_});
  return batch;
}

}  // namespace lrurec::data
