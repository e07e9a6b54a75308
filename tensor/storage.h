#pragma once
// Memory of tensors: aligned, reused, counted.

#include <cstddef>
#include <memory>

#include "tensor/device.h"

namespace lrurec {

/// One block of device memory, freed with its last owner. CPU blocks are aligned to 64 bytes and not cleared.
/// The CUDA allocator joins in storage.cpp, where a block is taken and given back.
class Storage {
 public:
  Storage(std::size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

 private:
  std::size_t bytes_;
  Device device_;
  std::byte* data_ = nullptr;
};

/// Bytes of CPU tensor memory, for progress lines and benchmarks.
struct MemoryStats {
  std::size_t in_use = 0;  ///< held by live tensors
  std::size_t peak = 0;    ///< largest in_use since the last reset
  std::size_t cached = 0;  ///< freed by tensors, kept for reuse
};
MemoryStats cpu_memory_stats();
void reset_cpu_memory_peak();
/// Gives cached blocks back to the system.
void release_cpu_cache();

}  // namespace lrurec
