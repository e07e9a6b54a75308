#include "tensor/storage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "tensor/free_blocks.h"
#include "tests/support/tensors.h"

namespace lrurec {
namespace {

class StorageTest : public testing::Test {
 protected:
  /// Other tests may have used much memory. After this nothing is cached, and "lately" is now.
  StorageTest() {
    for (std::uint64_t i = 0; i < 2 * MemoryBound::window; ++i) const Storage brief(8, Device{});
    release_memory_cache();
    before_ = memory_stats().in_use;
    reset_memory_peak();
  }
  ~StorageTest() override { release_memory_cache(); }
  std::size_t in_use() const { return memory_stats().in_use - before_; }
  std::size_t peak() const { return memory_stats().peak - before_; }
  static std::size_t cached() { return memory_stats().cached; }

  static constexpr std::size_t mib = std::size_t{1} << 20;
  /// Storages are not written to here, so large ones cost address space alone.
  static Storage megabytes(std::size_t n) { return {n * mib, Device{}}; }
  /// Where the storages of a step were, which are freed again.
  static std::vector<const std::byte*> step(std::size_t storages, std::size_t megabytes_each) {
    std::vector<std::unique_ptr<Storage>> live;
    std::vector<const std::byte*> addresses;
    for (std::size_t i = 0; i < storages; ++i) {
      live.push_back(std::make_unique<Storage>(megabytes_each * mib, Device{}));
      addresses.push_back(live.back()->data());
    }
    std::ranges::sort(addresses);
    return addresses;
  }

  std::size_t before_ = 0;
};

TEST_F(StorageTest, IsAlignedCountedAndReused) {
  release_memory_cache();
  const std::size_t before = memory_stats().in_use;
  const void* address = nullptr;
  {
    const Tensor t = Tensor::empty({1000}, DType::f32);
    address = t.raw();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(address) % 64, 0u);
    EXPECT_GE(memory_stats().in_use, before + 4000);
  }
  EXPECT_EQ(memory_stats().in_use, before);
  EXPECT_EQ(Tensor::empty({1000}, DType::f32).raw(), address);
}

// Batches differ in size from step to step; memory taken anew would cost its page faults.
TEST_F(StorageTest, ABlockIsReusedForWhatIsALittleSmaller) {
  const void* const address = Tensor::empty({10'000}, DType::f32).raw();
  EXPECT_GE(cached(), 40'000u);
  {
    const Tensor much_smaller = Tensor::empty({5'000}, DType::f32);
    EXPECT_NE(much_smaller.raw(), address);
    const Tensor smaller = Tensor::empty({8'500}, DType::f32);
    EXPECT_EQ(smaller.raw(), address);
    EXPECT_EQ(cached(), 0u);
    EXPECT_NE(Tensor::empty({8'500}, DType::f32).raw(), address) << "it is in use";
  }
  EXPECT_EQ(in_use(), 0u);
  EXPECT_EQ(Tensor::empty({10'000}, DType::f32).raw(), address) << "it has its size still";
}

// What counts, and what a limit stops, is what was asked for: it does not depend on what was freed before.
TEST_F(StorageTest, CountsDoNotDependOnTheBlocksThatServe) {
  const auto three = [&] {
    const Storage a = megabytes(40), b = megabytes(40), c = megabytes(40);
    EXPECT_EQ(in_use(), 120 * mib);
  };
  three();
  EXPECT_EQ(peak(), 120 * mib);
  release_memory_cache();
  { const Storage a = megabytes(48); }
  reset_memory_peak();
  three();
  EXPECT_EQ(peak(), 120 * mib);
  limit_memory(before_ + 100 * mib);
  {
    const Storage served_by_48 = megabytes(40);
    EXPECT_NO_THROW(megabytes(56));
    EXPECT_THROW(megabytes(64), Error);
  }
  limit_memory(SIZE_MAX);
  EXPECT_EQ(in_use(), 0u);
}

TEST_F(StorageTest, AllOfAStepServesTheNext) {
  const auto first = step(40, 8);
  EXPECT_EQ(cached(), 320 * mib);
  EXPECT_EQ(step(40, 8), first);
  EXPECT_EQ(step(40, 7), first);
  {
    const Storage much_smaller = megabytes(6);
    EXPECT_FALSE(std::ranges::binary_search(first, much_smaller.data()));
  }
  reset_memory_peak();
  { const Storage small = megabytes(1); }
  EXPECT_GE(cached(), 320 * mib) << "the peak is for progress lines: to reset it frees nothing";
}

// Otherwise memory would double where a validation follows a training.
TEST_F(StorageTest, BlocksThatDoNotServeMakeRoomForThoseThatDo) {
  step(40, 8);
  const std::size_t bound = (320 + 80 + 64) * mib;
  std::vector<std::unique_ptr<Storage>> others;
  for (int i = 0; i < 26; ++i) {
    others.push_back(std::make_unique<Storage>(12 * mib, Device{}));
    EXPECT_LE(in_use() + cached(), bound) << i;
  }
  EXPECT_EQ(in_use(), 312 * mib);
  EXPECT_GE(cached(), 100 * mib) << "no more is given back than has to be";
}

TEST_F(StorageTest, MemoryOfALargeTaskIsGivenBackWhileSmallOnesFollow) {
  step(40, 8);
  for (std::uint64_t i = 0; i < 2 * MemoryBound::window; ++i) const Storage brief(8, Device{});
  EXPECT_LT(cached(), 65 * mib);
}

TEST(MemoryBound, FollowsTheMostInUseOfTwoWindows) {
  constexpr std::size_t more = std::size_t{64} << 20;
  MemoryBound bound;
  bound.grown(1000);
  bound.grown(800);
  const auto pass_a_window = [&] {
    for (std::uint64_t i = 0; i < MemoryBound::window; ++i) bound.shrunk(100);
  };
  EXPECT_EQ(bound.bytes(0), 1250 + more);
  EXPECT_EQ(bound.bytes(2000), 2500 + more);
  pass_a_window();
  EXPECT_EQ(bound.bytes(0), 1250 + more);
  bound.grown(400);
  pass_a_window();
  EXPECT_EQ(bound.bytes(0), 500 + more);
  pass_a_window();
  EXPECT_EQ(bound.bytes(0), 125 + more);
}

TEST(FreeBlocks, GiveTheSmallestThatServes) {
  std::array<std::byte, 8> memory{};
  FreeBlocks free;
  const auto put = [&](std::size_t i, std::size_t bytes) { ASSERT_TRUE(free.put({&memory.at(i), bytes})); };
  const auto expect = [](Block block, const std::byte* data, std::size_t bytes) {
    EXPECT_EQ(block.data, data);
    EXPECT_EQ(block.bytes, bytes);
  };
  put(0, 4096);
  put(1, 5120);
  put(2, 8192);
  put(3, 128);
  EXPECT_EQ(free.bytes(), 4096u + 5120 + 8192 + 128);
  expect(free.take(4000, 5000), &memory[0], 4096);
  expect(free.take(4000, 5000), nullptr, 0);  // that size is known still, and empty
  expect(free.take(4000, 6000), &memory[1], 5120);
  expect(free.take(64, 128), nullptr, 0);  // a small one has its very size
  expect(free.take(128, 128), &memory[3], 128);
  EXPECT_EQ(free.bytes(), 8192u);
}

TEST(FreeBlocks, TheSizeThatWentUnusedForLongestGoesFirst) {
  std::array<std::byte, 4> memory{};
  FreeBlocks free;
  ASSERT_TRUE(free.put({&memory[0], 2048}));
  ASSERT_TRUE(free.put({&memory[1], 4096}));
  ASSERT_TRUE(free.put({&memory[2], 8192}));
  ASSERT_TRUE(free.put({free.take(2048, 2048).data, 2048}));
  EXPECT_EQ(free.take_unused().bytes, 4096u);
  EXPECT_EQ(free.take_unused().bytes, 8192u);
  EXPECT_EQ(free.take_unused().data, &memory[0]);
  EXPECT_EQ(free.take_unused().data, nullptr);
  EXPECT_EQ(free.bytes(), 0u);
}

}  // namespace
}  // namespace lrurec
