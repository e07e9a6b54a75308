#include "tensor/storage.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "tensor/cuda/runtime.h"
#include "tensor/free_blocks.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

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
  /// A free block may lie between others that are in use, and the C library keeps it then.
  static void give_all_back() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }
  /// The largest block that serves for `size` bytes: a little waste is better than page faults.
  static std::size_t largest_for(std::size_t size) { return size + size / 4; }
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
  /// Its memory has no page faults to save.
  static std::size_t largest_for(std::size_t size) { return size; }
};

// Packed batches differ in size from step to step. So sizes are rounded up to one of eight per power of two
// (by at most 12.5%), and blocks are reused. Otherwise every step would pay the page faults of its
// activations.
std::size_t block_size(std::size_t bytes) {
  if (bytes <= alignment) return alignment;
  const std::size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
  if (bytes > SIZE_MAX - step) return bytes;
  return (bytes + step - 1) / step * step;
}

/// Keeps freed blocks for reuse. On a GPU that is safe without waiting: there is one stream, in which the
/// next user of a block comes after the last one.
template <class Where>
class Allocator {
 public:
  Block allocate(std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    Block block;
    if (size <= limit_ && stats_.in_use <= limit_ - size) {
      block = free_.take(size, Blocks<Where>::largest_for(size));
      if (block.data == nullptr) {
        keep_within_bound(size);
        block = {Blocks<Where>::take(size), size};
      }
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
    in_blocks_ += block.bytes;
    bound_.grown(in_blocks_);
    stats_.in_use += size;
    stats_.allocated += size;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    return block;
  }

  /// bytes: what was asked for.
  void free(Block block, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    stats_.in_use -= rounded(bytes);
    in_blocks_ -= block.bytes;
    bound_.shrunk(in_blocks_);
    if (block.bytes > max_kept_block || !Blocks<Where>::kept() || !free_.put(block)) {
      Blocks<Where>::give_back(block.data, block.bytes);
    }
    keep_within_bound(0);
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    stats_.cached = free_.bytes();
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
  static constexpr std::size_t max_kept_block = std::size_t{1} << 30;
  static std::size_t rounded(std::size_t bytes) { return Blocks<Where>::kept() ? block_size(bytes) : bytes; }

  /// Gives back free blocks until `more` bytes can be taken from the system.
  void keep_within_bound(std::size_t more) {
    while (in_blocks_ + free_.bytes() + more > bound_.bytes(in_blocks_ + more)) {
      const Block block = free_.take_unused();
      if (block.data == nullptr) return;
      Blocks<Where>::give_back(block.data, block.bytes);
    }
  }
  void release() {
    free_.clear([](Block block) { Blocks<Where>::give_back(block.data, block.bytes); });
  }

  std::mutex mutex_;
  FreeBlocks free_;
  MemoryBound bound_;
  std::size_t in_blocks_ = 0;  ///< bytes of the blocks that are in use
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
  on_device("free", device_, [&](auto where) { allocator_of(where).free({data_, block_bytes_}, bytes_); });
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
