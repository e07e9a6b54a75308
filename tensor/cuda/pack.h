#pragma once
// Neighbouring elements that a thread reads and writes 16 bytes at a time.

#include <cstddef>
#include <cstdint>

#include "tensor/host_device.h"

namespace lrurec::cuda {

#ifdef LRUREC_CUDA_EMULATED
namespace emulator {
/// Fails the kernel that runs unless the address is a multiple of `bytes`.
void check_alignment(const void* address, std::size_t bytes);
}  // namespace emulator
#endif

template <class T, int N>
struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
  T at[N];
  LRUREC_HOST_DEVICE T& operator[](int k) { return at[k]; }
  LRUREC_HOST_DEVICE const T& operator[](int k) const { return at[k]; }
};

template <int N, class T>
LRUREC_HOST_DEVICE Pack<T, N> load(const T* from) {
#ifdef LRUREC_CUDA_EMULATED
  emulator::check_alignment(from, alignof(Pack<T, N>));
#endif
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <int N, class T>
LRUREC_HOST_DEVICE void store(T* to, const Pack<T, N>& x) {
#ifdef LRUREC_CUDA_EMULATED
  emulator::check_alignment(to, alignof(Pack<T, N>));
#endif
  *reinterpret_cast<Pack<T, N>*>(to) = x;
}

/// Whether rows of `width` elements at these addresses can be read in packs of four; null addresses are
/// ignored.
template <class... T>
bool in_fours(std::int64_t width, const T*... rows) {
  return width % 4 == 0 && ((reinterpret_cast<std::uintptr_t>(rows) % 16 == 0) && ...);
}

}  // namespace lrurec::cuda
