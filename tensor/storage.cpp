#include "tensor/storage.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

#include "tensor/cuda/runtime.h"

namespace lrurec {
namespace {

constexpr std::size_t alignment = 64;

/// Where the allocator of a device gets its blocks.
template <class Where>
struct Blocks;
template <>
struct Blocks<Cpu> {
  static void open(int) {}
  static constexpr const char* what = "memory";
  static constexpr const char* remedy = "try a smaller batch";
  static bool kept() { return true; }
  static std::byte* take(std::size_t bytes) {
    return static_cast<std::byte*>(std::aligned_alloc(alignment, bytes));
  }
  static void give_back(std::byte* block, std::size_t) { std::free(block); }
  static void give_all_back() {}
};
template <>
struct Blocks<Cuda> {
  static constexpr const char* what = "device memory";
  static constexpr const char* remedy = "try a smaller batch, or --device cpu";
  /// Whether freed blocks are kept. They are not where the bytes around a block are watched: by the emulator,
  /// or by compute-sanitizer (tools/gpu_check.sh).
  static bool kept() {
#ifdef LRUREC_CUDA_EMULATED
    return false;
#else
    static const char* const exact = std::getenv("LRUREC_EXACT_MEMORY");
    static const bool wanted = exact != nullptr && std::string_view(exact) == "1";
    return !wanted;
#endif
  }
  static void open(int index) { cuda::select_device(index); }
  static std::byte* take(std::size_t bytes) { return static_cast<std::byte*>(cuda::allocate(bytes)); }
  static void give_back(std::byte* block, std::size_t bytes) { cuda::free(block, bytes); }
  static void give_all_back() { cuda::give_freed_back(); }
};

// Packed batches differ in size from step to step. So blocks are rounded up to one of eight sizes per power
// of two (at most 12.5% waste) and reused, also for tensors that are a little smaller. Otherwise every step
// would pay the page faults of its activations.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= alignment) return alignment;
  const std::size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
  if (bytes > SIZE_MAX - step) return bytes;
  return (bytes + step - 1) / step * step;
}

struct Block {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
};

/// Keeps blocks for reuse. On a GPU that is safe without waiting: there is one stream, in which the next user
/// of a block comes after the last one.
template <class Where>
class Allocator {
 public:
  Block allocate(std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    Block block;
    if (size <= limit_ && stats_.in_use <= limit_ - size) {
      block = take_cached(size);
      if (block.data == nullptr) block = {Blocks<Where>::take(size), size};
      if (block.data == nullptr) {
        release();
        block.data = Blocks<Where>::take(size);
      }
    }
    if (block.data == nullptr) {
      fail(ErrorKind::out_of_memory,
           "out of {}: a tensor of {:.1f} MiB does not fit beside {:.1f} MiB in use; {}", Blocks<Where>::what,
           static_cast<double>(bytes) / 0x1p20, static_cast<double>(stats_.in_use) / 0x1p20,
           Blocks<Where>::remedy);
    }
    stats_.in_use += block.bytes;
    stats_.allocated += size;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    return block;
  }

  void free(Block block) {
    const std::lock_guard lock(mutex_);
    stats_.in_use -= block.bytes;
    if (block.bytes > max_cached_block || !Blocks<Where>::kept() || !cache(block)) {
      Blocks<Where>::give_back(block.data, block.bytes);
    } else {
      stats_.cached += block.bytes;
      // Cached blocks were in use once. What is beyond the peak by more than a share is left over from other
      // sizes. (Of a step's memory nearly all is free at its end; it serves the next step.)
      if (stats_.in_use + stats_.cached > stats_.peak + stats_.peak / 4 + (std::size_t{64} << 20)) release();
    }
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    stats_.peak = stats_.in_use;
  }
  void limit(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
  }
  void release_locked() {
    const std::lock_guard lock(mutex_);
    release();
    Blocks<Where>::give_all_back();
  }

 private:
  static constexpr std::size_t max_cached_block = std::size_t{1} << 30;
  static std::size_t rounded(std::size_t bytes) { return Blocks<Where>::kept() ? block_size(bytes) : bytes; }

  /// False where there is no memory to note the block in. The caller may be a destructor, so this must not
  /// throw.
  bool cache(Block block) {
    try {
      auto* const blocks = small(block.bytes);
      (blocks != nullptr ? *blocks : cache_[block.bytes]).push_back(block.data);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  /// The smallest free block that has `size` bytes and at most a quarter more; none where there is no such
  /// one.
  Block take_cached(std::size_t size) {
    std::size_t found = size;
    std::vector<std::byte*>* blocks = small(size);
    if (blocks == nullptr) {
      const std::size_t largest = std::min(size + size / 4, limit_ - stats_.in_use);
      auto it = cache_.lower_bound(size);
      while (it != cache_.end() && it->first <= largest && it->second.empty()) ++it;
      if (it == cache_.end() || it->first > largest) return {};
      found = it->first;
      blocks = &it->second;
    }
    if (blocks->empty()) return {};
    std::byte* block = blocks->back();
    blocks->pop_back();
    stats_.cached -= found;
    return {block, found};
  }

  /// The free blocks of a small size, found without a search; null for any other.
  std::vector<std::byte*>* small(std::size_t size) {
    const std::size_t place = size / alignment;
    return place < small_.size() && size % alignment == 0 ? &small_[place] : nullptr;
  }

  void release() {
    for (auto& [size, blocks] : cache_) {
      for (std::byte* block : blocks) Blocks<Where>::give_back(block, size);
    }
    cache_.clear();
    for (std::size_t place = 0; place < small_.size(); ++place) {
      for (std::byte* block : small_[place]) Blocks<Where>::give_back(block, place * alignment);
      small_[place].clear();
    }
    stats_.cached = 0;
  }

  std::mutex mutex_;
  std::array<std::vector<std::byte*>, 17> small_;  ///< by size / alignment
  std::map<std::size_t, std::vector<std::byte*>> cache_;
  MemoryStats stats_;
  std::size_t limit_ = SIZE_MAX;
};

// Never destroyed, since tensors with static lifetime may be freed later than it would be.
template <class Where>
Allocator<Where>& allocator_of(Where) {
  static auto* instance = new Allocator<Where>;
  return *instance;
}

}  // namespace

Storage::Storage(std::size_t bytes, Device device) : bytes_(bytes), device_(device) {
  on_device("allocate", device, [&](auto where) {
    Blocks<decltype(where)>::open(device.index);
    const Block block = allocator_of(where).allocate(bytes);
    data_ = block.data;
    block_bytes_ = block.bytes;
  });
}

Storage::~Storage() {
  if (data_ == nullptr) return;
  on_device("free", device_, [&](auto where) { allocator_of(where).free({data_, block_bytes_}); });
}

MemoryStats memory_stats(DeviceType type) {
  MemoryStats stats;
  on_device("memory", {type}, [&](auto where) { stats = allocator_of(where).stats(); });
  return stats;
}
void reset_memory_peak(DeviceType type) {
  on_device("memory", {type}, [&](auto where) { allocator_of(where).reset_peak(); });
}
void limit_memory(std::size_t bytes, DeviceType type) {
  on_device("memory", {type}, [&](auto where) { allocator_of(where).limit(bytes); });
}
void release_memory_cache(DeviceType type) {
  on_device("memory", {type}, [&](auto where) { allocator_of(where).release_locked(); });
}

}  // namespace lrurec
