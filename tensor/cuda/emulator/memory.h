#pragma once
// Emulated device memory: one range of addresses, out of reach of host code.

#include <cstddef>
#include <cstdint>

namespace lrurec::cuda::emulator {

/// While one lives, device memory may be read and written. It lives while a kernel or a copy runs.
class Unprotected {
 public:
  Unprotected();
  ~Unprotected();
  Unprotected(const Unprotected&) = delete;
  Unprotected& operator=(const Unprotected&) = delete;
};

/// The content of memory that nobody wrote: words that are NaN as f32 and in pairs as f64, and huge as an
/// integer. (-1 would not do, since kernels write it for "no label" and "no index".)
inline constexpr std::uint32_t unwritten_word = 0x7ff5c5c5;
/// Fills `bytes` bytes with unwritten_word, from an address that is a multiple of 4.
void unwrite(std::byte* memory, std::size_t bytes);

/// How much device memory there is; 4 GiB unless set.
void set_memory_limit(std::size_t bytes);
/// Copies to the host so far: each would have waited for all kernels before it.
std::int64_t copies_to_host();
/// Copies to the device so far that are too large to be staged: each would have waited too.
std::int64_t waiting_copies();
/// Whether an address lies in device memory.
bool is_device_address(const void* p);

}  // namespace lrurec::cuda::emulator
