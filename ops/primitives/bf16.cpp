#include "ops/primitives/bf16.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace lrurec {
namespace {

#if defined(__AVX512BF16__)
constexpr std::int64_t lanes = 16;

/// 16 pairs of 32 numbers side by side.
__m512i pairs_side_by_side(const float* from) {
  const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + lanes), _mm512_loadu_ps(from));
  return _mm512_rol_epi32(reinterpret_cast<const __m512i&>(both), 16);  // the first into the upper half
}

/// 16 pairs of a number of one row and one of another.
__m512i pairs_of_two(const float* first, const float* second) {
  const __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(first), _mm512_loadu_ps(second));
  alignas(64) static constexpr std::int16_t order[] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                       21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                       11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), reinterpret_cast<const __m512i&>(both));
}
#endif

}  // namespace

void bf16_pairs_in_rows(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t ldf,
                        Bf16Pair* to, std::int64_t ldt) {
  for (std::int64_t i = 0; i < rows; ++i, from += ldf, to += ldt) {
    std::int64_t p = 0;
#if defined(__AVX512BF16__)
    for (; p + lanes <= columns / 2; p += lanes)
      _mm512_storeu_si512(to + p, pairs_side_by_side(from + 2 * p));
#endif
    for (; p < columns / 2; ++p) to[p] = bf16_pair(from[2 * p], from[2 * p + 1]);
    if (columns % 2 != 0) to[p] = bf16_pair(from[2 * p], 0);
  }
}

void bf16_pairs_of_rows(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t ldf,
                        Bf16Pair* to, std::int64_t ldt) {
  std::int64_t i = 0;
  for (; i + 1 < rows; i += 2, from += 2 * ldf, to += ldt) {
    std::int64_t j = 0;
#if defined(__AVX512BF16__)
    for (; j + lanes <= columns; j += lanes)
      _mm512_storeu_si512(to + j, pairs_of_two(from + j, from + ldf + j));
#endif
    for (; j < columns; ++j) to[j] = bf16_pair(from[j], from[ldf + j]);
  }
  for (std::int64_t j = 0; i < rows && j < columns; ++j) to[j] = bf16_pair(from[j], 0);
}

}  // namespace lrurec
