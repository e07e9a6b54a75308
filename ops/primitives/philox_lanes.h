#pragma once
// Philox at consecutive counters side by side in vector registers.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/random.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace lrurec {

class PhiloxLanes {
 public:
  static constexpr std::size_t count = 16;
  /// Two words each, the first in the low half: 4 words a counter, one counter after the other.
  using Pairs = std::array<std::uint64_t, 2 * count>;

  explicit PhiloxLanes(Philox random) : random_(random) {}

  /// The words of counters first .. first + count - 1.
  void pairs(std::uint64_t first, Pairs& out) const {
    for (std::size_t l = 0; l < count; l += group * width) {
      rounds(first + l, out.data() + 2 * l);
    }
  }

 private:
  // A word takes 64 bits, the width of its products, of which only the low half is used.
#if defined(__AVX512F__)
  using Vector = std::uint64_t __attribute__((vector_size(64)));
  static constexpr Vector numbers = {0, 1, 2, 3, 4, 5, 6, 7};
  static void interleave(Vector a, Vector b, std::uint64_t* out) {
    store(__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11), out);
    store(__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15), out + 8);
  }
#else
  using Vector = std::uint64_t __attribute__((vector_size(32)));
  static constexpr Vector numbers = {0, 1, 2, 3};
  static void interleave(Vector a, Vector b, std::uint64_t* out) {
    store(__builtin_shufflevector(a, b, 0, 4, 1, 5), out);
    store(__builtin_shufflevector(a, b, 2, 6, 3, 7), out + 4);
  }
#endif
  static void store(Vector v, std::uint64_t* out) { std::memcpy(out, &v, sizeof v); }
  static constexpr std::size_t width = sizeof(Vector) / sizeof(std::uint64_t);
  static constexpr std::size_t group = 2;  // vectors at once: one alone would wait for its products

  /// The products of the low halves. Written by hand, since GCC would turn a constant factor into shifts and
  /// sums.
  static Vector multiply(Vector a, Vector b) {
#if defined(__AVX512F__)
    return reinterpret_cast<Vector>(
        _mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
    return reinterpret_cast<Vector>(
        _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
    return (a & low_half) * (b & low_half);
#endif
  }

  void rounds(std::uint64_t first, std::uint64_t* out) const {
    const Vector factor0 = Vector{} + Philox::factor0, factor1 = Vector{} + Philox::factor1;
    Vector c0[group], c1[group], c2[group], c3[group];
    for (std::size_t g = 0; g < group; ++g) {
      c0[g] = first + g * width + numbers;
      c1[g] = c0[g] >> 32;
      c2[g] = Vector{} + random_.stream();
      c3[g] = c2[g] >> 32;
    }
    Vector k0 = Vector{} + random_.seed(), k1 = k0 >> 32;
    for (int i = 0; i < Philox::rounds; ++i, k0 += Philox::bump0, k1 += Philox::bump1) {
#pragma GCC unroll 2
      for (std::size_t g = 0; g < group; ++g) {
        const Vector p0 = multiply(c0[g], factor0), p1 = multiply(c2[g], factor1);
        c0[g] = (p1 >> 32) ^ c1[g] ^ k0, c1[g] = p1;
        c2[g] = (p0 >> 32) ^ c3[g] ^ k1, c3[g] = p0;
      }
    }
    for (std::size_t g = 0; g < group; ++g) {
      interleave((c0[g] & low_half) | (c1[g] << 32), (c2[g] & low_half) | (c3[g] << 32), out + 2 * g * width);
    }
  }

  static constexpr std::uint64_t low_half = 0xffffffff;
  Philox random_;
};

}  // namespace lrurec
