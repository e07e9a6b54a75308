#pragma once
// Numbers in bf16: f32 without the lower 16 bits of the mantissa, which leaves 8 bits of precision and the
// whole range. Two units multiply pairs of them and add to sums in f32: AVX512-BF16 two pairs in each lane of
// a vector, AMX (ops/primitives/amx.h) whole tiles.

#include <bit>
#include <cstdint>

namespace lrurec {

/// Two numbers in bf16 that stand side by side along the inner index of a product: the first in the upper
/// half.
using Bf16Pair = std::uint32_t;

/// x rounded to bf16, ties to even; NaN stays NaN. Below 2^-126, the smallest normal number, x becomes a zero
/// of its sign, as by the processors' instruction.
inline float bf16_rounded(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t nearest = bits + 0x7fffU + (bits >> 16 & 1U), quiet = bits | 0x400000U,
                      magnitude = bits & 0x7fffffffU;
  if (magnitude < 0x00800000U) return std::bit_cast<float>(bits & 0x80000000U);
  return std::bit_cast<float>((magnitude > 0x7f800000U ? quiet : nearest) & 0xffff0000U);
}

inline Bf16Pair bf16_pair(float first, float second) {
  return std::bit_cast<std::uint32_t>(bf16_rounded(first)) |
         std::bit_cast<std::uint32_t>(bf16_rounded(second)) >> 16;
}

/// How many pairs n numbers make; the last pair of an odd n ends with a zero.
constexpr std::int64_t bf16_pairs(std::int64_t n) { return (n + 1) / 2; }

/// to[i, p] = (from[i, 2 p], from[i, 2 p + 1]) for from: [rows, columns], rows ldf apart; to:
/// [rows, bf16_pairs(columns)], rows ldt apart.
void bf16_pairs_in_rows(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t ldf,
                        Bf16Pair* to, std::int64_t ldt);

/// to[p, j] = (from[2 p, j], from[2 p + 1, j]) for from: [rows, columns]; to: [bf16_pairs(rows), columns].
void bf16_pairs_of_rows(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t ldf,
                        Bf16Pair* to, std::int64_t ldt);

}  // namespace lrurec
