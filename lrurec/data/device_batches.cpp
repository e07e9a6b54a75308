#include "lrurec/data/device_batches.h"

#include "lrurec/data/pack_segments.h"

namespace lrurec::data {

DeviceBatches::DeviceBatches(const Dataset& data, std::int64_t max_length, Device device)
    : max_length_(max_length), items_(data.items()) {
  std::vector<std::int32_t> ids;
  for (std::int64_t user = 0; user < data.users(); ++user) {
    first_.push_back(std::ssize(ids));
    const Items train = data.train(user);
    ids.insert(ids.end(), train.begin(), train.end());
  }
  ids_ = Tensor::from(ids).to(device);
}

DeviceBatches::SegmentList DeviceBatches::segments_of(std::span<const Window> windows) const {
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
  const Tensor items = Tensor::empty(tokens, DType::i64, device),
               labels = Tensor::empty(tokens, DType::i64, device);
  const IndexTensor offsets = IndexTensor(Tensor::from(list.offsets)).to(device);
  const kernels::Segments segments{codes.numel(), tokens[0], offsets.values().data<std::int64_t>(),
                                   codes.data<std::int64_t>()};
  on_device("pack_segments", device, [&](auto where) {
    kernels::pack_segments(where, segments, ids_.data<std::int32_t>(), items.data<std::int64_t>(),
                           labels.data<std::int64_t>());
  });
  // The data set's ids were checked when it was read.
  return {IndexTensor::made_within(items, 0, items_), offsets, IndexTensor::made_within(labels, 1, items_)};
}

}  // namespace lrurec::data
