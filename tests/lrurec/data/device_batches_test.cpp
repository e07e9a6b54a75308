// Batches packed on the device where the sequences lie have the same bits as those that the CPU packs.

#include "lrurec/data/device_batches.h"

#include "lrurec/data/pack_segments.h"
#include "tests/support/data.h"
#include "tests/support/devices.h"
#include "tests/support/tensors.h"

namespace lrurec::data {
namespace {

using Ints = std::vector<std::int64_t>;

TEST(PackSegments, EveryTokenFindsItsSegmentAndPlace) {
  const Ints offsets{0, 1, 4, 5, 9},
      codes{kernels::segment_code(0, true), 1, kernels::segment_code(70, true), 40};
  const kernels::Segments segments{4, 9, offsets.data(), codes.data()};
  const Ints labels{0, 1, 2, 3, 70, 40, 41, 42, 43};
  for (std::int64_t t = 0; t < 9; ++t) {
    const auto source = kernels::source_of(segments, t);
    EXPECT_EQ(source.label, labels[static_cast<std::size_t>(t)]) << t;
    EXPECT_EQ(source.start_token, t == 0 || t == 4) << t;
  }
}

void expect_the_batchers(const Dataset& data, std::int64_t max_length, std::int64_t batch_size,
                         Device device) {
  Batcher batcher(data, {.max_length = max_length}, batch_size, 1);
  const DeviceBatches there(data, max_length, device);
  for (std::int64_t b = 0; b < batcher.steps_per_epoch(); ++b) {
    const PackedBatch expected = batcher.batch(2, b);
    const BatchTensors packed = there.pack(batcher.batch_examples(2, b));
    EXPECT_EQ(packed.items.host().to_vector<std::int64_t>(), expected.items) << max_length << ", batch " << b;
    EXPECT_EQ(packed.labels.host().to_vector<std::int64_t>(), expected.labels)
        << max_length << ", batch " << b;
    EXPECT_EQ(packed.offsets.host().to_vector<std::int64_t>(), expected.offsets)
        << max_length << ", batch " << b;
  }
}

// Users of 1 to 9 training items around the maximum length: start tokens, full windows, several of a user.
Dataset all_lengths() {
  std::vector<std::vector<std::int32_t>> sequences;
  for (std::int32_t n = 1; n <= 11; ++n) {
    auto& sequence = sequences.emplace_back();
    for (std::int32_t i = 0; i < n; ++i) sequence.push_back(1 + (7 * n + 3 * i) % 29);
  }
  return test::make_dataset(sequences);
}

TEST(DeviceBatches, AreTheBatchers) {
  for (const std::int64_t max_length : {1, 2, 3, 5, 20}) {
    expect_the_batchers(all_lengths(), max_length, 4, {});
    expect_the_batchers(test::small_demo(), max_length, 64, {});
  }
}

TEST(DeviceBatchesCuda, AreTheBatchers) {
  LRUREC_NEEDS_GPU();
  test::in_every_thread_order([] {
    for (const std::int64_t max_length : {1, 3, 20}) {
      expect_the_batchers(all_lengths(), max_length, 4, test::gpu);
      expect_the_batchers(test::small_demo(), max_length, 64, test::gpu);
    }
  });
}

TEST(DeviceBatchesCuda, AreNotKnownToTheCpuButKnownToBeInRange) {
  LRUREC_NEEDS_GPU();
  const Dataset data = all_lengths();
  const DeviceBatches there(data, 3, test::gpu);
  const BatchTensors batch = there.pack(training_windows(data, 3));
  EXPECT_TRUE(batch.offsets.known_on_host());
  EXPECT_FALSE(batch.items.known_on_host());
  EXPECT_TRUE(batch.items.made_in(0, data.items()));
  EXPECT_TRUE(batch.labels.made_in(1, data.items()));
  EXPECT_FALSE(batch.labels.made_in(1, data.items() - 1));
}

}  // namespace
}  // namespace lrurec::data
