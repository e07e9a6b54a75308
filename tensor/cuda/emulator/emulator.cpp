// Fibers, barriers and warp exchanges (see emulator.h). Device memory is in memory.cpp.

#include "tensor/cuda/emulator/emulator.h"

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <memory>
#include <numeric>
#include <string_view>
#include <vector>

#include "tensor/cuda/emulator/memory.h"
#include "tensor/cuda/emulator/races.h"
#include "tensor/error.h"
#include "tensor/random.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace lrurec::cuda::emulator {
namespace {

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr unsigned most_blocks = 0x7fffffffu;  ///< of a grid along x
constexpr int lanes = 32;
constexpr unsigned whole_warp = 0xffffffffu;

enum class State { ready, at_barrier, in_warp, done, failed };

struct Fiber {
  ucontext_t context{};  ///< to begin with
  std::jmp_buf place{};  ///< to go on from
  bool begun = false;
  std::vector<std::byte> stack = std::vector<std::byte>(stack_bytes);
  State state = State::ready;
  dim3 index;
  std::vector<Place> calls;             ///< from the kernel's own line to the barrier or warp operation
  unsigned mask = 0;                    ///< of the warp operation it waits in
  bool warp_barrier = false;            ///< that operation is __syncwarp
  std::array<std::byte, slot> given{};  ///< its value there
};

struct Warp {
  std::array<std::byte, slot * lanes> values;  ///< of the last exchange
};

Order order = Order::forward;
std::uint64_t order_seed = 1;

std::vector<std::unique_ptr<Fiber>> fibers;  // kept from launch to launch
std::vector<Warp> warps;
std::vector<std::byte> shared;
Fiber* current = nullptr;
int thread_index = 0;
const std::function<void()>* body = nullptr;
std::string failure;  ///< of a thread, which cannot throw across fibers

#if defined(__SANITIZE_ADDRESS__)
const void* scheduler_stack = nullptr;
std::size_t scheduler_stack_bytes = 0;
ucontext_t scheduler;
#else
std::jmp_buf scheduler_place;
#endif

// swapcontext saves the signal mask by a system call, which would take half of the time of a kernel full of
// barriers. So a fiber begins with its context and then continues by jumps. With AddressSanitizer contexts
// serve for both, since it can be told of them only.
void to_scheduler() {
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, scheduler_stack, scheduler_stack_bytes);
  swapcontext(&current->context, &scheduler);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  if (_setjmp(current->place) == 0) _longjmp(scheduler_place, 1);
#endif
}

// A fiber serves one thread after the other.
void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
#endif
  for (;;) {
    (*body)();
    current->state = State::done;
    to_scheduler();
  }
}

void prepare_fibers(std::size_t count) {
  while (fibers.size() < count) {
    auto& fiber = *fibers.emplace_back(std::make_unique<Fiber>());
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
  }
}

void resume(int thread) {
  current = fibers[static_cast<std::size_t>(thread)].get();
  thread_index = thread;
  threadIdx = current->index;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, current->stack.data(), current->stack.size());
  swapcontext(&scheduler, &current->context);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
  if (_setjmp(scheduler_place) != 0) return;
  if (current->begun) _longjmp(current->place, 1);
  current->begun = true;
  setcontext(&current->context);
#endif
}

// After an error the waiting fibers are in the middle of a kernel, so they are not used again.
[[noreturn]] void fail_kernel(const char* name, const std::string& what) {
  fibers.clear();
  fail(ErrorKind::internal, "[{}] block ({}, {}, {}): {}", name, blockIdx.x, blockIdx.y, blockIdx.z, what);
}

bool same(const Place& a, const Place& b) {
  return a.line() == b.line() && a.column() == b.column() && std::string_view(a.file_name()) == b.file_name();
}

// On a GPU, threads that wait together must wait at the same place in the code.
void expect_one_place(const char* name, const Fiber& a, const Fiber& b) {
  if (std::equal(a.calls.begin(), a.calls.end(), b.calls.begin(), b.calls.end(), same)) return;
  const auto [mine, other] =
      std::mismatch(a.calls.begin(), a.calls.end(), b.calls.begin(), b.calls.end(), same);
  const Place here = mine != a.calls.end() ? *mine : a.calls.back(),
              there = other != b.calls.end() ? *other : b.calls.back();
  fail_kernel(name, fmt::format("threads wait at {}:{} for others at {}:{}", here.file_name(), here.line(),
                                there.file_name(), there.line()));
}

// Lanes named by a mask go on when all of them wait in a warp operation with that mask.
bool resolve_warps(const char* name, int threads) {
  bool any = false;
  for (int first = 0; first < threads; first += lanes) {
    for (int l = 0; l < std::min(lanes, threads - first); ++l) {
      const Fiber& fiber = *fibers[static_cast<std::size_t>(first + l)];
      if (fiber.state != State::in_warp) continue;
      const unsigned mask = fiber.mask;
      bool all = true;
      for (int k = 0; k < lanes && all; ++k) {
        if ((mask >> k & 1u) == 0) continue;
        if (first + k >= threads) {
          all = false;
          break;
        }
        const Fiber& other = *fibers[static_cast<std::size_t>(first + k)];
        all = other.state == State::in_warp && other.mask == mask;
      }
      if (!all) continue;
      any = true;
      if (fiber.warp_barrier && mask == whole_warp) races::warp_waited(first / lanes);
      for (int k = 0; k < std::min(lanes, threads - first); ++k) {
        if ((mask >> k & 1u) == 0) continue;
        Fiber& other = *fibers[static_cast<std::size_t>(first + k)];
        expect_one_place(name, fiber, other);
        std::copy(other.given.begin(), other.given.end(),
                  warps[static_cast<std::size_t>(first / lanes)].values.begin() +
                      static_cast<std::ptrdiff_t>(slot) * k);
        other.state = State::ready;
      }
    }
  }
  return any;
}

std::string count_states(int threads) {
  std::array<int, 5> count{};
  for (int t = 0; t < threads; ++t)
    ++count[static_cast<std::size_t>(fibers[static_cast<std::size_t>(t)]->state)];
  return fmt::format("{} at a barrier, {} in a warp operation, {} finished", count[1], count[2], count[3]);
}

void wait_in_warp(unsigned mask, bool barrier, const Place& place) {
  const CalledFrom here(place);
  current->mask = mask;
  current->warp_barrier = barrier;
  current->state = State::in_warp;
  to_scheduler();
}

std::int64_t launched = 0;

template <class T>
void shuffle(std::vector<T>& turn, const Philox& random) {
  for (std::size_t i = turn.size(); i > 1; --i) std::swap(turn[i - 1], turn[random.below(i, i)]);
}

void run_block(const char* name, int threads, std::vector<int>& turn, std::uint64_t block) {
  unwrite(shared.data(), shared.size());
  races::block_begins();
  for (int t = 0; t < threads; ++t) fibers[static_cast<std::size_t>(t)]->state = State::ready;
  std::uint64_t round = 0;
  for (;;) {
    if (order == Order::shuffled) {
      shuffle(turn, Philox(order_seed, (block << 20) + round++));
    }
    bool ran = false;
    for (const int t : turn) {
      if (fibers[static_cast<std::size_t>(t)]->state != State::ready) continue;
      resume(t);
      if (current->state == State::failed) fail_kernel(name, failure);
      ran = true;
    }
    if (resolve_warps(name, threads)) continue;
    int done = 0, waiting = 0;
    for (int t = 0; t < threads; ++t) {
      done += fibers[static_cast<std::size_t>(t)]->state == State::done;
      waiting += fibers[static_cast<std::size_t>(t)]->state == State::at_barrier;
    }
    if (done == threads) return;
    if (waiting == threads) {
      races::block_waited();
      for (int t = 0; t < threads; ++t) {
        Fiber& fiber = *fibers[static_cast<std::size_t>(t)];
        expect_one_place(name, *fibers[0], fiber);
        fiber.state = State::ready;
      }
    } else if (!ran) {
      fail_kernel(name, "threads wait for others that do not come: " + count_states(threads));
    }
  }
}

}  // namespace

void set_order(Order new_order, std::uint64_t seed) {
  order = new_order;
  order_seed = seed;
}

std::int64_t launches() { return launched; }

void run(const char* name, dim3 grid, dim3 block, std::size_t shared_bytes_asked,
         const std::function<void()>& thread) {
  ++launched;
  const int threads = static_cast<int>(block.x * block.y * block.z);
  if (threads < 1 || threads > 1024 || block.z > 64 || grid.x > most_blocks || grid.y > 65535 ||
      grid.z > 65535) {
    fail(ErrorKind::internal,
         "[{}] cannot be launched with {} threads ({} x {} x {}) on a grid of {} x {} x {}", name, threads,
         block.x, block.y, block.z, grid.x, grid.y, grid.z);
  }
  if (shared_bytes_asked > 227 * 1024) {
    fail(ErrorKind::internal, "[{}] {} bytes of shared memory are more than the 227 KiB of a block", name,
         shared_bytes_asked);
  }
  prepare_fibers(static_cast<std::size_t>(threads));
  warps.resize(static_cast<std::size_t>((threads + lanes - 1) / lanes));
  shared.resize(shared_bytes_asked);
  body = &thread;
  blockDim = block;
  gridDim = grid;
  std::vector<int> turn(static_cast<std::size_t>(threads));
  std::iota(turn.begin(), turn.end(), 0);
  if (order == Order::reverse) std::reverse(turn.begin(), turn.end());
  for (int t = 0; t < threads; ++t) {
    const auto u = static_cast<unsigned>(t);
    fibers[static_cast<std::size_t>(t)]->index = {u % block.x, u / block.x % block.y,
                                                  u / (block.x * block.y)};
  }
  const Unprotected device_memory;
  const races::Kernel watched(shared.data(), shared.size());
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
  std::vector<std::uint64_t> block_turn(blocks);
  std::iota(block_turn.begin(), block_turn.end(), 0);
  if (order == Order::reverse) std::reverse(block_turn.begin(), block_turn.end());
  if (order == Order::shuffled) shuffle(block_turn, Philox(order_seed, blocks));
  for (const std::uint64_t b : block_turn) {
    blockIdx = {static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                static_cast<unsigned>(b / (std::uint64_t{grid.x} * grid.y))};
    run_block(name, threads, turn, b);
  }
}

CalledFrom::CalledFrom(const Place& caller) { current->calls.push_back(caller); }
CalledFrom::~CalledFrom() { current->calls.pop_back(); }

void block_barrier(const Place& place) {
  const CalledFrom here(place);
  current->state = State::at_barrier;
  to_scheduler();
}

void warp_barrier(unsigned mask, const Place& place) { wait_in_warp(mask, true, place); }

const std::byte* warp_exchange(unsigned mask, const void* value, std::size_t bytes, const Place& place) {
  std::memcpy(current->given.data(), value, bytes);
  wait_in_warp(mask, false, place);
  return warps[static_cast<std::size_t>(thread_index / lanes)].values.data();
}

void fail_thread(std::string what) {
  failure = std::move(what);
  current->state = State::failed;
  to_scheduler();
}

void check_alignment(const void* address, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(address) % bytes == 0) return;
  fail_thread(fmt::format("a pack of {} bytes is read or written where it is not aligned", bytes));
}

int current_thread() { return thread_index; }
int current_lane() { return thread_index % lanes; }

std::byte* shared_bytes() { return shared.data(); }

}  // namespace lrurec::cuda::emulator

int atomicAdd(int* p, int x) { return std::exchange(*p, *p + x); }
unsigned atomicAdd(unsigned* p, unsigned x) { return std::exchange(*p, *p + x); }
int atomicMax(int* p, int x) { return std::exchange(*p, x > *p ? x : *p); }
int atomicOr(int* p, int x) { return std::exchange(*p, *p | x); }
