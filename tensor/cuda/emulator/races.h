#pragma once
// Races within a kernel: two threads use the same memory, at least one of them writes, and neither waits for
// the other. An emulated thread is interrupted only where it waits, so that most races change no result here.
//
// With LRUREC_EMULATOR_RACES kernels are compiled with GCC's -fsanitize=thread, which calls a function before
// every access. Those functions are races.cpp's instead of ThreadSanitizer's library, whose threads these are
// not. Accesses are compared wherever they lie in the order of threads and blocks; __syncthreads and
// __syncwarp of a whole warp order them, shuffles and votes do not (CUDA does not say that they do). Atomic
// functions are not looked at. A cell of four bytes keeps its last write and two reads.

#include <cstddef>

namespace lrurec::cuda::emulator::races {

/// While one lives, a kernel runs that has this dynamic shared memory.
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
