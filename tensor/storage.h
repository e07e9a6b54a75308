#pragma once
// Memory of tensors: aligned, reused, counted.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensor/device.h"

namespace lrurec {

/// One block of memory on a device. Aligned to 64 bytes on the CPU, to 256 on a GPU; not cleared. A GPU other
/// than the one in use throws ErrorKind::usage, exhausted memory ErrorKind::out_of_memory.
class Storage {
 public:
  Storage(std::size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  /// How often the contents were changed in place through a Tensor or by an optimiser. Writes through data()
  /// or a pointer are not seen; call mark_changed() after them.
  std::uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void mark_changed() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::size_t bytes_;
  std::size_t block_bytes_ = 0;  ///< of the allocator's block, which may be larger
  Device device_;
  std::atomic<std::uint32_t> version_ = 0;
  std::byte* data_ = nullptr;
};

/// Bytes of tensor memory on one kind of device, rounded up to sizes that are reused (by at most an eighth).
struct MemoryStats {
  std::size_t in_use = 0;     ///< asked for by live tensors
  std::size_t peak = 0;       ///< largest in_use since the last reset
  std::size_t cached = 0;     ///< freed by tensors, kept for reuse
  std::size_t allocated = 0;  ///< all that tensors ever asked for
};
MemoryStats memory_stats(DeviceType type = DeviceType::cpu);
void reset_memory_peak(DeviceType type = DeviceType::cpu);
/// Gives cached blocks back to the system, or those of a GPU to the driver, after waiting for the GPU.
void release_memory_cache(DeviceType type = DeviceType::cpu);

/// Limits the bytes that tensors may have asked for at one time (MemoryStats::in_use). What does not fit
/// throws ErrorKind::out_of_memory, as where the system has no more.
void limit_memory(std::size_t bytes, DeviceType type = DeviceType::cpu);

}  // namespace lrurec
