#include "tensor/cuda/emulator/memory.h"

#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tensor/cuda/element.h"
#include "tensor/cuda/emulator/emulator.h"
#include "tensor/cuda/emulator/graph.h"
#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace lrurec::cuda {
namespace emulator {
namespace {

constexpr std::size_t reserved = std::size_t{16} << 30;
constexpr std::size_t guard = 256;  // as far apart as cudaMalloc's blocks

std::size_t rounded(std::size_t bytes) {
  return (std::max<std::size_t>(bytes, 1) + guard - 1) / guard * guard;
}

std::byte unwritten_byte(std::size_t i) {
  return static_cast<std::byte>(unwritten_word >> 8 * (i % 4) & 0xffu);
}

struct Memory {
  std::byte* base = nullptr;
  std::size_t end = 0;  ///< nothing in use lies behind it
  std::size_t in_use = 0, limit = std::size_t{4} << 30;
  int open = 0;
  std::int64_t copies_to_host = 0, waiting_copies = 0;
  std::map<std::size_t, std::size_t> gaps;                 ///< free bytes before `end` by their offset
  std::unordered_map<const std::byte*, std::size_t> live;  ///< bytes asked for
  std::recursive_mutex mutex;

  Memory() {
    void* p = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) fail(ErrorKind::out_of_memory, "no address space for the emulated device memory");
    base = static_cast<std::byte*>(p);
  }
};

/// The lowest place with `size` bytes, so that little memory needs its protection changed at every launch.
std::size_t take_place(Memory& m, std::size_t size) {
  for (auto gap = m.gaps.begin(); gap != m.gaps.end(); ++gap) {
    const auto [offset, bytes] = *gap;
    if (bytes < size) continue;
    m.gaps.erase(gap);
    if (bytes > size) m.gaps.emplace(offset + size, bytes - size);
    return offset;
  }
  if (m.end + size > reserved) return reserved;
  m.end += size;
  return m.end - size;
}

void give_place_back(Memory& m, std::size_t offset, std::size_t size) {
  auto next = m.gaps.lower_bound(offset);
  if (next != m.gaps.end() && next->first == offset + size) {
    size += next->second;
    next = m.gaps.erase(next);
  }
  if (next != m.gaps.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      m.gaps.erase(before);
    }
  }
  if (offset + size < m.end) {
    m.gaps.emplace(offset, size);
    return;
  }
  m.end = offset;
  constexpr std::size_t page = 4096, worth_it = std::size_t{1} << 20;
  const auto round_up = [](std::size_t n) { return (n + page - 1) / page * page; };
  const std::size_t first = round_up(offset), bytes = round_up(offset + size) - first;
  if (bytes == 0) return;
  mprotect(m.base + first, bytes, PROT_NONE);
  if (bytes > worth_it) madvise(m.base + first, bytes, MADV_DONTNEED);
}

Memory& memory() {
  static auto* instance = new Memory;  // never destroyed: tensors may outlive it
  return *instance;
}

// Bytes between the members of a structure may look like an address, but hardly like one that is in use.
bool is_mapped(std::uint64_t address) {
  unsigned char in_core = 0;
  return mincore(reinterpret_cast<void*>(address & ~std::uint64_t{4095}), 1, &in_core) == 0;
}

void protect(int how) {
  if (memory().end > 0) mprotect(memory().base, (memory().end + 4095) / 4096 * 4096, how);
}

}  // namespace

Unprotected::Unprotected() {
  memory().mutex.lock();
  if (memory().open++ == 0) protect(PROT_READ | PROT_WRITE);
}

Unprotected::~Unprotected() {
  if (--memory().open == 0) protect(PROT_NONE);
  memory().mutex.unlock();
}

void unwrite(std::byte* memory, std::size_t bytes) {
  for (; bytes >= 4; memory += 4, bytes -= 4) std::memcpy(memory, &unwritten_word, 4);
  std::memcpy(memory, &unwritten_word, bytes);
}

std::int64_t copies_to_host() { return memory().copies_to_host; }
std::int64_t waiting_copies() { return memory().waiting_copies; }
void set_memory_limit(std::size_t bytes) { memory().limit = bytes; }

bool is_device_address(const void* p) {
  const auto* at = static_cast<const std::byte*>(p);
  return at >= memory().base && at < memory().base + reserved;
}

void check_elements(const void* address, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(address) % bytes == 0) return;
  fail(ErrorKind::internal, "elements of {} bytes lie where they are not aligned for a kernel", bytes);
}

void check_argument(const char* name, const void* argument, std::size_t bytes) {
  // User-space addresses of x86-64 and Arm: no double, float or count of ours falls into that range.
  constexpr std::uint64_t lowest = std::uint64_t{1} << 44, highest = std::uint64_t{1} << 47;
  for (std::size_t at = 0; at + 8 <= bytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, static_cast<const std::byte*>(argument) + at, 8);
    const auto* p = reinterpret_cast<const void*>(word);
    if (word >= lowest && word < highest && !is_device_address(p) && is_mapped(word)) {
      fail(ErrorKind::internal, "[{}] an argument of the kernel points to host memory", name);
    }
  }
}

}  // namespace emulator

namespace {
using emulator::memory, emulator::Unprotected;
}

void* allocate(std::size_t bytes) {
  auto& m = memory();
  const std::lock_guard lock(m.mutex);
  const std::size_t size = emulator::rounded(bytes) + emulator::guard;
  if (m.in_use + size > m.limit) return nullptr;
  const std::size_t place = emulator::take_place(m, size);
  if (place == emulator::reserved) return nullptr;
  std::byte* block = m.base + place;
  m.in_use += size;
  m.live[block] = bytes;
  emulator::protect(PROT_READ | PROT_WRITE);
  emulator::unwrite(block, size);
  if (m.open == 0) emulator::protect(PROT_NONE);
  return block;
}

void free(void* pointer, std::size_t asked) {
  if (emulator::free_later(pointer, asked)) return;
  auto& m = memory();
  const Unprotected open;
  auto* block = static_cast<std::byte*>(pointer);
  const auto found = m.live.find(block);
  const std::size_t bytes = found->second, size = emulator::rounded(bytes) + emulator::guard;
  for (std::size_t i = bytes; i < size; ++i) {
    if (block[i] != emulator::unwritten_byte(i)) {
      // In a destructor there is nobody to catch an exception.
      fmt::print(stderr, "a kernel wrote {} bytes past the end of a block of {} bytes\n", i - bytes, bytes);
      std::abort();
    }
  }
  emulator::unwrite(block, bytes);
  m.live.erase(found);
  m.in_use -= size;
  emulator::give_place_back(m, static_cast<std::size_t>(block - m.base), size);
}

void give_freed_back() { emulator::refuse_while_recording("give memory back"); }

void to_device(void* device, const void* host, std::size_t bytes) {
  if (bytes > most_staged_bytes) ++memory().waiting_copies;
  const auto copy = [=](const void* from) {
    const Unprotected open;
    std::memcpy(device, from, bytes);
  };
  if (!emulator::recording()) return copy(host);
  const auto* first = static_cast<const std::byte*>(host);
  emulator::submit(emulator::Work::copy_to_device,
                   [copy, taken = std::vector<std::byte>(first, first + bytes)] { copy(taken.data()); });
}
void to_host(void* host, const void* device, std::size_t bytes) {
  emulator::refuse_while_recording("copy to host");
  const Unprotected open;
  ++memory().copies_to_host;
  std::memcpy(host, device, bytes);
}
void on_device(void* to, const void* from, std::size_t bytes) {
  emulator::submit(emulator::Work::copy_on_device, [=] {
    const Unprotected open;
    std::memmove(to, from, bytes);
  });
}
void fill_zero(void* device, std::size_t bytes) {
  emulator::submit(emulator::Work::fill, [=] {
    const Unprotected open;
    std::memset(device, 0, bytes);
  });
}
void synchronize() { emulator::refuse_while_recording("synchronize"); }

// Few multiprocessors, so that in tests kernels walk by strides of the grid; the L2 cache of an H200.
int multiprocessors() { return 2; }
std::int64_t l2_cache_bytes() { return std::int64_t{60} << 20; }

int device_count() { return 1; }
DeviceInfo device_info(int) {
  DeviceInfo info;
  info.name = "emulated on the CPU, for tests";
  info.multiprocessors = multiprocessors();
  info.l2_cache = static_cast<std::size_t>(l2_cache_bytes());
  info.memory = memory().limit;
  info.free_memory = memory().limit - memory().in_use;
  info.shared_memory_per_block = 227 * 1024;
  info.has_kernels = true;
  return info;
}
std::vector<DeviceInfo> devices() { return {device_info(0)}; }
std::string versions() { return "kernels are emulated on the CPU"; }
void select_device(int index) {
  if (index >= device_count()) fail(ErrorKind::usage, "there is no cuda:{}: one GPU is emulated", index);
}
int selected_device() { return 0; }

namespace {
using Clock = std::chrono::steady_clock;
bool use_tf32 = false;
}  // namespace

Event::Event() : event_(new Clock::time_point(Clock::now())) {}
Event::~Event() { delete static_cast<Clock::time_point*>(event_); }
void Event::record() { *static_cast<Clock::time_point*>(event_) = Clock::now(); }
void Event::synchronize() const {}
bool Event::done() const { return true; }
double Event::elapsed_ms(const Event& start, const Event& end) {
  return std::chrono::duration<double, std::milli>(*static_cast<Clock::time_point*>(end.event_) -
                                                   *static_cast<Clock::time_point*>(start.event_))
      .count();
}

// The products in gemm.cpp read it.
void set_tf32(bool on) { use_tf32 = on; }
bool tf32() { return use_tf32; }

}  // namespace lrurec::cuda
