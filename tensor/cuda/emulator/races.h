#pragma once
// Finds races within a kernel: two threads use the same memory, at least one of them writes, and neither
// waits for the other. An emulated thread is interrupted only where it waits, so most races do not change a
// result here.
//
// With LRUREC_EMULATOR_RACES kernels are compiled with GCC's -fsanitize=thread, which calls a function before
// every access. These functions are in races.cpp, instead of ThreadSanitizer's library, which does not know
// fibers as threads. Accesses are compared whatever the order in which threads and blocks made them.
// __syncthreads and __syncwarp of a whole warp order accesses; shuffles and votes do not (CUDA does not say
// that they do). Atomic functions are not looked at. For each cell of four bytes, the last write and two
// reads are kept.

#include <cstddef>

namespace lrurec::cuda::emulator::races {

/// Lives while a kernel with this dynamic shared memory runs.
class Kernel {
 public:
  Kernel(const std::byte* shared, std::size_t bytes);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
};

void block_begins();
/// All threads of the block have met at a barrier.
void block_waited();
/// All lanes of a warp have met in __syncwarp.
void warp_waited(int warp);

}  // namespace lrurec::cuda::emulator::races
