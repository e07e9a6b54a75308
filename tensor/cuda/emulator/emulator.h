#pragma once
// CUDA kernels on the CPU, for tests and debuggers: a kernel file compiled as plain C++
// (LRUREC_CUDA=EMULATED).
//
// A block's threads are fibers on one CPU thread. A fiber runs until it waits at a barrier or in a warp
// operation. The others then have their turn, in an order that a seed shuffles (set_order). So a missing
// barrier mostly shows as a result that depends on the order. It does not where each thread reads and writes
// between two waits, as in x[0] += 1; races.h finds those. These are checked as well, and fail with the name
// of the kernel:
//   - threads of a block or warp that do not all arrive where others wait;
//   - writing past the end of a block of device memory (guard bytes, looked at when it is freed);
//   - threads that meet at different barriers, or lanes in different warp operations, or in two calls of a
//     helper that takes a Place (kernel.h);
//   - packs read or written where they are not aligned (pack.h), and complex numbers (element.h);
//   - host code that touches device memory (it is protected except while kernels and copies run: SIGSEGV);
//   - host pointers among the arguments of a kernel.
// Fresh device memory, the memory behind a block, freed memory and fresh dynamic shared memory are full of
// NaN (as integers: of huge numbers), so memory that was never written cannot pass for a result. Arrays
// declared __shared__ are not covered: they keep what the block before left in them, and their bytes do not
// count against the limits of a block (tools/bench/cuda_resources.sh counts them). __launch_bounds__ is
// ignored. There is no notion of time here: the emulator says what kernels compute, not how fast.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tensor/cuda/emulator/graph.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct double2 {
  double x, y;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

// Set by the emulator before a fiber runs.
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace lrurec::cuda::emulator {

/// The order in which the blocks of a grid run, and threads take turns between barriers.
enum class Order { forward, reverse, shuffled };
void set_order(Order order, std::uint64_t seed = 1);

void run(const char* name, dim3 grid, dim3 block, std::size_t shared_bytes,
         const std::function<void()>& thread);
/// Kernels launched so far.
std::int64_t launches();

/// A place in a kernel's code: threads that wait together must be at one.
using Place = std::source_location;
/// While one lives, its thread is in a function that was called at `caller`. The call is part of the place
/// where the thread waits.
class CalledFrom {
 public:
  explicit CalledFrom(const Place& caller);
  ~CalledFrom();
  CalledFrom(const CalledFrom&) = delete;
  CalledFrom& operator=(const CalledFrom&) = delete;
};

void block_barrier(const Place& place);
void warp_barrier(unsigned mask, const Place& place);
/// The values of all lanes of `mask` (others unspecified), each `bytes` <= 16 long, once all of them have
/// arrived.
const std::byte* warp_exchange(unsigned mask, const void* value, std::size_t bytes,
                               const Place& place = Place::current());
/// The index of the running thread in its block, and its lane.
int current_thread();
int current_lane();
/// Ends the kernel with an error, from within a thread.
void fail_thread(std::string what);
std::byte* shared_bytes();
/// Throws when one of the 8-byte words of a kernel's argument looks like a pointer to host memory.
void check_argument(const char* name, const void* argument, std::size_t bytes);
/// Clears the bytes between members, which hold anything and would pass for values in check_argument.
template <class T>
void clear_padding(T& argument) {
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(&argument);
#endif
}

inline constexpr std::size_t slot = 16;

template <class T>
T read_lane(const std::byte* values, int lane) {
  T x;
  std::memcpy(&x, values + static_cast<std::size_t>(lane) * slot, sizeof(T));
  return x;
}

}  // namespace lrurec::cuda::emulator

inline void __syncthreads(lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  lrurec::cuda::emulator::block_barrier(place);
}
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  lrurec::cuda::emulator::warp_barrier(mask, place);
}
template <class T>
T __shfl_sync(unsigned mask, T x, int source, int width = 32,
              lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  namespace e = lrurec::cuda::emulator;
  static_assert(sizeof(T) <= e::slot);
  const int lane = e::current_lane();
  return e::read_lane<T>(e::warp_exchange(mask, &x, sizeof(T), place),
                         (lane & ~(width - 1)) + (source & (width - 1)));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T x, int flip, int width = 32,
                  lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  namespace e = lrurec::cuda::emulator;
  const int lane = e::current_lane(), from = lane ^ flip;
  const std::byte* values = e::warp_exchange(mask, &x, sizeof(T), place);
  return from / width == lane / width ? e::read_lane<T>(values, from) : x;
}
template <class T>
T __shfl_up_sync(unsigned mask, T x, unsigned delta, int width = 32,
                 lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  namespace e = lrurec::cuda::emulator;
  const int lane = e::current_lane(), from = lane - static_cast<int>(delta);
  const std::byte* values = e::warp_exchange(mask, &x, sizeof(T), place);
  return from >= (lane & ~(width - 1)) ? e::read_lane<T>(values, from) : x;
}
template <class T>
T __shfl_down_sync(unsigned mask, T x, unsigned delta, int width = 32,
                   lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  namespace e = lrurec::cuda::emulator;
  const int lane = e::current_lane(), from = lane + static_cast<int>(delta);
  const std::byte* values = e::warp_exchange(mask, &x, sizeof(T), place);
  return from <= (lane | (width - 1)) ? e::read_lane<T>(values, from) : x;
}
inline unsigned __ballot_sync(
    unsigned mask, int predicate,
    lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  namespace e = lrurec::cuda::emulator;
  const int mine = predicate != 0;
  const std::byte* values = e::warp_exchange(mask, &mine, sizeof(mine), place);
  unsigned bits = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1u) != 0 && e::read_lane<int>(values, lane) != 0) bits |= 1u << lane;
  }
  return bits;
}
inline int __any_sync(unsigned mask, int predicate,
                      lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  return __ballot_sync(mask, predicate, place) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      lrurec::cuda::emulator::Place place = lrurec::cuda::emulator::Place::current()) {
  return __ballot_sync(mask, predicate, place) == mask;
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
template <class T>
T __ldg(const T* p) {
  return *p;
}
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
// Not inline: within a kernel they would be accesses that can race (races.h).
int atomicAdd(int* p, int x);
unsigned atomicAdd(unsigned* p, unsigned x);
int atomicMax(int* p, int x);
int atomicOr(int* p, int x);

namespace lrurec::cuda {

using emulator::CalledFrom, emulator::Place;

template <class T>
T* shared_memory() {
  return reinterpret_cast<T*>(emulator::shared_bytes());
}

template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            Arguments&&... arguments) {
  std::tuple<std::decay_t<Parameters>...> converted(std::forward<Arguments>(arguments)...);
  std::apply([](auto&... p) { (emulator::clear_padding(p), ...); }, converted);
  std::apply([&](const auto&... p) { (emulator::check_argument(name, &p, sizeof(p)), ...); }, converted);
  emulator::submit(emulator::Work::kernel, [=] {
    emulator::run(name, grid, block, shared_bytes, [&] { std::apply(kernel, converted); });
  });
}

}  // namespace lrurec::cuda
