#include "tensor/storage.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

namespace lrurec {
namespace {

constexpr std::size_t alignment = 64;

// Packed batches differ in size from step to step, so blocks are rounded up to one of eight sizes per power
// of two (at most 12.5% waste) and reused. Without it every step would pay the page faults of its
// activations.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= alignment) return alignment;
  const std::size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
  if (bytes > SIZE_MAX - step) return bytes;
  return (bytes + step - 1) / step * step;
}

class CpuAllocator {
 public:
  std::byte* allocate(std::size_t bytes) {
    const std::size_t size = block_size(bytes);
    const std::lock_guard lock(mutex_);
    std::byte* block = take_cached(size);
    if (block == nullptr) block = static_cast<std::byte*>(std::aligned_alloc(alignment, size));
    if (block == nullptr) {
      release();
      block = static_cast<std::byte*>(std::aligned_alloc(alignment, size));
    }
    if (block == nullptr) {
      fail(ErrorKind::out_of_memory,
           "out of memory: a tensor of {:.1f} MiB does not fit beside {:.1f} MiB in use; try a smaller batch",
           static_cast<double>(bytes) / 0x1p20, static_cast<double>(stats_.in_use) / 0x1p20);
    }
    stats_.in_use += size;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    return block;
  }

  void free(std::byte* block, std::size_t bytes) {
    const std::size_t size = block_size(bytes);
    const std::lock_guard lock(mutex_);
    stats_.in_use -= size;
    if (size > max_cached_block) {
      std::free(block);
    } else {
      cache_[size].push_back(block);
      stats_.cached += size;
      // What the cache holds was in use once; past a share of the peak it is left over from other sizes.
      if (stats_.cached > stats_.peak / 2 + (std::size_t{64} << 20)) release();
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
  void release_locked() {
    const std::lock_guard lock(mutex_);
    release();
  }

 private:
  static constexpr std::size_t max_cached_block = std::size_t{1} << 30;

  std::byte* take_cached(std::size_t size) {
    const auto it = cache_.find(size);
    if (it == cache_.end() || it->second.empty()) return nullptr;
    std::byte* block = it->second.back();
    it->second.pop_back();
    stats_.cached -= size;
    return block;
  }

  void release() {
    for (auto& [size, blocks] : cache_) {
      for (std::byte* block : blocks) std::free(block);
    }
    cache_.clear();
    stats_.cached = 0;
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> cache_;
  MemoryStats stats_;
};

// Never destroyed: tensors with static lifetime may be freed after it would have been.
CpuAllocator& allocator() {
  static auto* instance = new CpuAllocator;
  return *instance;
}

}  // namespace

Storage::Storage(std::size_t bytes, Device device) : bytes_(bytes), device_(device) {
  on_device("allocate", device, [&](Cpu) { data_ = allocator().allocate(bytes); });
}

Storage::~Storage() {
  if (data_ != nullptr) allocator().free(data_, bytes_);
}

MemoryStats cpu_memory_stats() { return allocator().stats(); }
void reset_cpu_memory_peak() { allocator().reset_peak(); }
void release_cpu_cache() { allocator().release_locked(); }

}  // namespace lrurec
