#include "tensor/cuda/emulator/races.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>

#include "tensor/cuda/emulator/emulator.h"
#include "tensor/cuda/emulator/memory.h"
#include "tensor/error.h"

// Defined by the linker: the bounds of the program's variables, among them what kernels declare __shared__.
extern "C" char __data_start, _end;

namespace lrurec::cuda::emulator::races {
namespace {

constexpr std::uintptr_t cell_bytes = 4, page_cells = 256;
constexpr int lanes = 32, most_warps = 32;

struct Access {
  std::uint64_t time = 0;  ///< barriers of blocks before it; 0: there was no access
  std::uint64_t warp_time = 0;
  const void* code = nullptr;
  int thread = 0;
  unsigned bytes = 0;  ///< of the cell, a bit each
};

struct Cell {
  Access write;
  std::array<Access, 2> reads;  ///< the latest first, of different threads
};

enum class Memory { elsewhere, shared, device };

// Time continues from kernel to kernel, so that no cell needs to be cleared.
std::uint64_t time = 0, kernel_began = 0, block_began = 0;
std::array<std::uint64_t, most_warps> warp_times{};
std::unordered_map<std::uintptr_t, std::array<Cell, page_cells>> pages;
const std::byte* dynamic_shared = nullptr;
std::size_t dynamic_shared_bytes = 0;
// Other threads of the host may run instrumented code as well.
thread_local bool kernel_runs = false;

Memory memory_of(const void* address) {
  const auto* p = static_cast<const std::byte*>(address);
  if (p >= dynamic_shared && p < dynamic_shared + dynamic_shared_bytes) return Memory::shared;
  if (is_device_address(p)) return Memory::device;
  const auto* c = static_cast<const char*>(address);
  return c >= &__data_start && c < &_end ? Memory::shared : Memory::elsewhere;
}

bool by_one_thread(const Access& a, const Access& b) {
  return a.thread == b.thread && a.time >= block_began && b.time >= block_began;
}

bool can_race(const Access& before, const Access& now, Memory memory) {
  if (before.time < kernel_began || (before.bytes & now.bytes) == 0) return false;
  if (before.time < block_began) return memory == Memory::device;
  if (before.time < now.time || before.thread == now.thread) return false;
  return before.thread / lanes != now.thread / lanes || before.warp_time == now.warp_time;
}

/// An address for addr2line. The called function returns behind the access, so one byte before it.
std::uintptr_t in_program(const void* code) {
  Dl_info info{};
  const auto at = reinterpret_cast<std::uintptr_t>(code) - 1;
  return dladdr(code, &info) == 0 ? at : at - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
}

void expect_order(const Access& before, const char* did, const Access& now, const char* does, Memory memory) {
  if (!can_race(before, now, memory)) return;
  Dl_info info{};
  dladdr(now.code, &info);
  fail_thread(fmt::format(
      "a race: thread {} {} {} memory that thread {}{} {}, and neither waits for the other; see `addr2line "
      "-Cfipe {} {:#x} {:#x}`",
      now.thread, does, memory == Memory::shared ? "shared" : "device", before.thread,
      before.time < block_began ? " of another block" : "", did,
      info.dli_fname != nullptr ? info.dli_fname : "?", in_program(now.code), in_program(before.code)));
}

void write(Cell& cell, const Access& now, Memory memory) {
  expect_order(cell.write, "writes", now, "writes", memory);
  for (const Access& read : cell.reads) expect_order(read, "reads", now, "writes", memory);
  cell.write = now;
}

void read(Cell& cell, const Access& now, Memory memory) {
  expect_order(cell.write, "writes", now, "reads", memory);
  if (!by_one_thread(cell.reads[0], now)) cell.reads[1] = cell.reads[0];
  cell.reads[0] = now;
}

void access(const void* address, std::size_t bytes, void (*use)(Cell&, const Access&, Memory),
            const void* code) {
  if (!kernel_runs) return;
  const Memory memory = memory_of(address);
  if (memory == Memory::elsewhere) return;
  const int thread = current_thread();
  Access now{time, warp_times[static_cast<std::size_t>(thread / lanes)], code, thread, 0};
  const auto first = reinterpret_cast<std::uintptr_t>(address), end = first + bytes;
  for (std::uintptr_t cell = first / cell_bytes; cell * cell_bytes < end; ++cell) {
    const std::uintptr_t cell_first = cell * cell_bytes, cell_end = cell_first + cell_bytes;
    const std::uintptr_t from = std::max(first, cell_first) - cell_first,
                         to = std::min(end, cell_end) - cell_first;
    now.bytes = (1u << to) - (1u << from);
    use(pages[cell / page_cells][cell % page_cells], now, memory);
  }
}

}  // namespace

Kernel::Kernel(const std::byte* shared, std::size_t bytes) {
  dynamic_shared = shared;
  dynamic_shared_bytes = bytes;
  kernel_began = ++time;
  kernel_runs = true;
}
Kernel::~Kernel() { kernel_runs = false; }

void block_begins() { block_began = ++time; }
void block_waited() { ++time; }
void warp_waited(int warp) { ++warp_times[static_cast<std::size_t>(warp)]; }

}  // namespace lrurec::cuda::emulator::races

// The functions that code compiled with -fsanitize=thread calls. `code` is the address that they return to,
// behind the access.
namespace races = lrurec::cuda::emulator::races;

#define LRUREC_ACCESS(name, bytes, use) \
  extern "C" void name(void* p) { races::access(p, bytes, races::use, __builtin_return_address(0)); }
#define LRUREC_ACCESSES(bytes)                             \
  LRUREC_ACCESS(__tsan_read##bytes, bytes, read)           \
  LRUREC_ACCESS(__tsan_write##bytes, bytes, write)         \
  LRUREC_ACCESS(__tsan_unaligned_read##bytes, bytes, read) \
  LRUREC_ACCESS(__tsan_unaligned_write##bytes, bytes, write)
LRUREC_ACCESSES(1)
LRUREC_ACCESSES(2)
LRUREC_ACCESSES(4)
LRUREC_ACCESSES(8)
LRUREC_ACCESSES(16)
#undef LRUREC_ACCESSES
#undef LRUREC_ACCESS

extern "C" {
void __tsan_read_range(void* p, unsigned long bytes) {
  races::access(p, bytes, races::read, __builtin_return_address(0));
}
void __tsan_write_range(void* p, unsigned long bytes) {
  races::access(p, bytes, races::write, __builtin_return_address(0));
}
// These do not matter for kernels.
void __tsan_init() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
// Host code beside the kernels: variables that are made at their first use, and shared pointers.
unsigned char __tsan_atomic8_load(const volatile unsigned char* p, int) {
  return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}
unsigned __tsan_atomic32_fetch_add(volatile unsigned* p, unsigned x, int) {
  return __atomic_fetch_add(p, x, __ATOMIC_SEQ_CST);
}
unsigned __tsan_atomic32_fetch_sub(volatile unsigned* p, unsigned x, int) {
  return __atomic_fetch_sub(p, x, __ATOMIC_SEQ_CST);
}
}
