#pragma once
// A product by tensor cores, for kernel files: D += A B with A: [16, 8], B: [8, 8], D: [16, 8], of floats
// whose products use the 10 bits of TF32. A warp computes it together. With g = lane / 4 and t = lane % 4, a
// lane holds
//   A[g, t], A[g + 8, t], A[g, t + 4], A[g + 8, t + 4];   B[t, g], B[t + 4, g];
//   D[g, 2t], D[g, 2t + 1], D[g + 8, 2t], D[g + 8, 2t + 1]

#include "tensor/cuda/kernel.h"

namespace lrurec::cuda {

#ifdef LRUREC_CUDA_EMULATED

/// x rounded to the nearest number of TF32, halves away from zero.
inline float to_tf32(float x) {
  if (x - x != 0) return x;
  std::uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof(bits));
  bits = (bits + 0x1000u) & ~0x1fffu;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

inline void mma_tf32(const float (&a)[4], const float (&b)[2], float& d0, float& d1, float& d2, float& d3) {
  float all_a[warp_size][4], all_b[warp_size][2];
  const std::byte* values = emulator::warp_exchange(whole_warp, a, sizeof(a));
  for (int l = 0; l < warp_size; ++l) std::memcpy(all_a[l], values + l * emulator::slot, sizeof(a));
  values = emulator::warp_exchange(whole_warp, b, sizeof(b));
  for (int l = 0; l < warp_size; ++l) std::memcpy(all_b[l], values + l * emulator::slot, sizeof(b));
  const int g = emulator::current_lane() / 4, t = emulator::current_lane() % 4;
  for (int k = 0; k < 8; ++k) {
    const float *left = all_a[4 * g + k % 4] + k / 4 * 2, *right = all_b[8 * t + k % 4] + k / 4,
                *next = all_b[8 * t + 4 + k % 4] + k / 4;
    d0 += left[0] * *right, d1 += left[0] * *next;
    d2 += left[1] * *right, d3 += left[1] * *next;
  }
}

#else

// Kernels for a GPU before compute capability 8 may hold this and do not run it: there tf32() is false.

__device__ inline float to_tf32(float x) {
#if __CUDA_ARCH__ >= 800
  unsigned bits;
  asm volatile("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
#else
  __trap();
  return x;
#endif
}

__device__ inline void mma_tf32(const float (&a)[4], const float (&b)[2], float& d0, float& d1, float& d2,
                                float& d3) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
        "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
#else
  __trap();
#endif
}

#endif

}  // namespace lrurec::cuda
