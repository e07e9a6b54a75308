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
// of two (at most 12.5% waste) and reused. Otherwise every step would pay the page faults of its activations.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= alignment) return alignment;
  const std::size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
  if (bytes > SIZE_MAX - step) return bytes;
  return (bytes + step - 1) / step * step;
}

/// Keeps blocks for reuse. On a GPU that is safe without waiting: there is one stream, in which the next user
/// of a block comes after the last one.
template <class Where>
class Allocator {
 public:
  std::byte* allocate(std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    std::byte* block = nullptr;
    if (size <= limit_ && stats_.in_use <= limit_ - size) {
      block = take_cached(size);
      if (block == nullptr) block = Blocks<Where>::take(size);
      if (block == nullptr) {
        release();
        block = Blocks<Where>::take(size);
      }
    }
    if (block == nullptr) {
      fail(ErrorKind::out_of_memory,
           "out of {}: a tensor of {:.1f} MiB does not fit beside {:.1f} MiB in use; {}", Blocks<Where>::what,
           static_cast<double>(bytes) / 0x1p20, static_cast<double>(stats_.in_use) / 0x1p20,
           Blocks<Where>::remedy);
    }
    stats_.in_use += size;
    stats_.allocated += size;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    return block;
  }

  void free(std::byte* block, std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    stats_.in_use -= size;
    if (size > max_cached_block || !Blocks<Where>::kept() || !cache(block, size)) {
      Blocks<Where>::give_back(block, size);
    } else {
      stats_.cached += size;
      // Cached blocks were in use once. Beyond a share of the peak they are left over from other sizes.
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
  bool cache(std::byte* block, std::size_t size) {
    try {
      auto* const blocks = small(size);
      (blocks != nullptr ? *blocks : cache_[size]).push_back(block);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  std::byte* take_cached(std::size_t size) {
    std::vector<std::byte*>* blocks = small(size);
    if (blocks == nullptr) {
      const auto it = cache_.find(size);
      if (it == cache_.end()) return nullptr;
      blocks = &it->second;
    }
    if (blocks->empty()) return nullptr;
    std::byte* block = blocks->back();
    blocks->pop_back();
    stats_.cached -= size;
    return block;
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
    data_ = allocator_of(where).allocate(bytes);
  });
}

Storage::~Storage() {
  if (data_ == nullptr) return;
  on_device("free", device_, [&](auto where) { allocator_of(where).free(data_, bytes_); });
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
