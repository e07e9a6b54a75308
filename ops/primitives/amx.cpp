#include "ops/primitives/amx.h"

#include "tensor/error.h"

#if defined(__AVX512BF16__) && defined(__linux__)
#define LRUREC_AMX 1
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "tensor/scratch.h"
#endif

namespace lrurec {

#if defined(LRUREC_AMX)

// For the functions that use the unit: the rest of the program must run without it.
#define LRUREC_USES_AMX __attribute__((target("amx-tile,amx-bf16")))

namespace {

constexpr std::int32_t side = 16;         // rows of a register, and pairs or sums in a row
constexpr std::int64_t block = 2 * side;  // of C, whose sums fill registers 0 to 3

/// The shapes of the eight registers, in the layout that the processor reads.
struct alignas(64) Shapes {
  std::uint8_t palette = 1, start_row = 0;
  std::array<std::uint8_t, 14> reserved{};
  std::array<std::uint16_t, 16> bytes_in_row{};
  std::array<std::uint8_t, 16> rows{};

  void set(std::size_t number, std::int64_t row_count, std::int64_t columns) {
    rows[number] = static_cast<std::uint8_t>(row_count);
    bytes_in_row[number] = static_cast<std::uint16_t>(4 * columns);
  }
};
static_assert(sizeof(Shapes) == 64);

/// Registers 0 to 3 hold a block of C, [2, 2] registers; 4 and 5 hold rows of A, 6 and 7 columns of B.
/// m, n: rows and columns of the block, 1 to 32.
LRUREC_USES_AMX void shape_registers(std::int64_t m, std::int64_t n) {
  const std::array<std::int64_t, 2> rows{std::min<std::int64_t>(m, side),
                                         std::max<std::int64_t>(m - side, 0)},
      columns{std::min<std::int64_t>(n, side), std::max<std::int64_t>(n - side, 0)};
  Shapes shapes;
  for (std::size_t i = 0; i < 2; ++i) {
    if (rows[i] > 0) shapes.set(4 + i, rows[i], side);
    if (columns[i] > 0) shapes.set(6 + i, side, columns[i]);
    for (std::size_t j = 0; j < 2; ++j) {
      if (rows[i] > 0 && columns[j] > 0) shapes.set(2 * i + j, rows[i], columns[j]);
    }
  }
  // GCC's intrinsics do not tell the compiler that they read memory: it would leave out stores to the shapes,
  // and might move stores to operands behind the loads of registers.
  asm volatile("" : : "r"(&shapes) : "memory");
  _tile_loadconfig(&shapes);
}

/// A block of C of one or two rows and columns of registers.
template <bool two_rows, bool two_columns>
LRUREC_USES_AMX void block_product(TileStart start, std::int64_t steps, const Bf16Pair* a, std::int64_t lda,
                                   const Bf16Pair* b, std::int64_t ldb, float* c, std::int64_t ldc,
                                   const float* bias) {
  const auto bytes = [](std::int64_t elements) { return 4 * elements; };
  const Bf16Pair* const a1 = two_rows ? a + side * lda : a;
  float* const c1 = two_rows ? c + side * ldc : c;
  switch (start) {
    case TileStart::zero:
      _tile_zero(0);
      if constexpr (two_columns) _tile_zero(1);
      if constexpr (two_rows) _tile_zero(2);
      if constexpr (two_rows && two_columns) _tile_zero(3);
      break;
    case TileStart::bias:  // rows that lie zero bytes apart are all the same
      _tile_loadd(0, bias, 0);
      if constexpr (two_columns) _tile_loadd(1, bias + side, 0);
      if constexpr (two_rows) _tile_loadd(2, bias, 0);
      if constexpr (two_rows && two_columns) _tile_loadd(3, bias + side, 0);
      break;
    case TileStart::sum:
      _tile_loadd(0, c, bytes(ldc));
      if constexpr (two_columns) _tile_loadd(1, c + side, bytes(ldc));
      if constexpr (two_rows) _tile_loadd(2, c1, bytes(ldc));
      if constexpr (two_rows && two_columns) _tile_loadd(3, c1 + side, bytes(ldc));
      break;
  }
  for (std::int64_t s = 0; s < steps; ++s) {
    _tile_loadd(4, a + s * side, bytes(lda));
    _tile_loadd(6, b + s * side * ldb, bytes(ldb));
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (two_columns) {
      _tile_loadd(7, b + s * side * ldb + side, bytes(ldb));
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (two_rows) {
      _tile_loadd(5, a1 + s * side, bytes(lda));
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (two_rows && two_columns) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, bytes(ldc));
  if constexpr (two_columns) _tile_stored(1, c + side, bytes(ldc));
  if constexpr (two_rows) _tile_stored(2, c1, bytes(ldc));
  if constexpr (two_rows && two_columns) _tile_stored(3, c1 + side, bytes(ldc));
}

/// C = A B + start for whole steps of 16 pairs and rows of A that are contiguous.
LRUREC_USES_AMX void whole_steps(TileStart start, std::int64_t m, std::int64_t n, std::int64_t steps,
                                 const Bf16Pair* a, std::int64_t lda, const Bf16Pair* b, std::int64_t ldb,
                                 float* c, std::int64_t ldc, const float* bias) {
  std::int64_t shaped_m = 0, shaped_n = 0;
  for (std::int64_t i = 0; i < m; i += block) {
    for (std::int64_t j = 0; j < n; j += block) {
      const float* const from = start == TileStart::bias ? bias + j : bias;
      const std::int64_t rows = std::min(block, m - i), columns = std::min(block, n - j);
      if (rows != shaped_m || columns != shaped_n) {
        shape_registers(rows, columns);
        shaped_m = rows, shaped_n = columns;
      }
      const auto product = rows > side
                               ? columns > side ? block_product<true, true> : block_product<true, false>
                           : columns > side ? block_product<false, true>
                                            : block_product<false, false>;
      product(start, steps, a + i * lda, lda, b + j, ldb, c + i * ldc + j, ldc, from);
    }
  }
  _tile_release();  // so that the kernel need not save the registers with the thread
}

/// Which numbers of two rows, the second's counted on from the first's, a step of transpose_16 puts into
/// them: it exchanges the upper half of every 2 d numbers of the first with the lower half of those of the
/// second.
struct Exchange {
  alignas(64) std::array<std::int32_t, side> first{}, second{};

  explicit constexpr Exchange(std::int32_t d) {
    for (std::int32_t lane = 0; lane < side; ++lane) {
      const bool upper = (lane & d) != 0;
      const auto at = static_cast<std::size_t>(lane);
      first[at] = upper ? side + lane - d : lane;
      second[at] = upper ? side + lane : lane + d;
    }
  }
};

/// to[i, p] = from[p, i] for 16 x 16 pairs: the quarters of the matrix change places, then those of each
/// quarter, down to single numbers.
void transpose_16(const Bf16Pair* from, std::int64_t ldf, Bf16Pair* to, std::int64_t ldt) {
  static constexpr std::array<Exchange, 4> exchanges{Exchange{8}, Exchange{4}, Exchange{2}, Exchange{1}};
  __m512i x[side];
#pragma GCC unroll 16
  for (std::int64_t p = 0; p < side; ++p) x[p] = _mm512_loadu_si512(from + p * ldf);
#pragma GCC unroll 4
  for (std::size_t step = 0; step < exchanges.size(); ++step) {
    const std::int64_t d = std::int64_t{8} >> step;
    const __m512i first = _mm512_load_si512(exchanges[step].first.data()),
                  second = _mm512_load_si512(exchanges[step].second.data());
#pragma GCC unroll 16
    for (std::int64_t p = 0; p < side; ++p) {
      if ((p & d) != 0) continue;
      const __m512i upper = x[p], lower = x[p + d];
      x[p] = _mm512_permutex2var_epi32(upper, first, lower);
      x[p + d] = _mm512_permutex2var_epi32(upper, second, lower);
    }
  }
#pragma GCC unroll 16
  for (std::int64_t i = 0; i < side; ++i) _mm512_storeu_si512(to + i * ldt, x[i]);
}

/// The rows of A side by side with zeros up to whole steps: to: [m, ldt].
void gather_rows(std::int64_t m, std::int64_t pairs, TileOperand<Bf16Pair> a, Bf16Pair* to,
                 std::int64_t ldt) {
  for (std::int64_t i = 0; i < m; i += side) {
    for (std::int64_t p = 0; p < ldt; p += side) {
      const std::int64_t rows = std::min<std::int64_t>(side, m - i),
                         count = std::min<std::int64_t>(side, pairs - p);
      const Bf16Pair* const from = a.data + i * a.row + p * a.column;
      Bf16Pair* const target = to + i * ldt + p;
      if (a.column != 1 && rows == side && count == side) {
        transpose_16(from, a.column, target, ldt);
        continue;
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t q = 0; q < count; ++q) target[r * ldt + q] = from[r * a.row + q * a.column];
        std::fill(target + r * ldt + count, target + r * ldt + side, Bf16Pair{0});
      }
    }
  }
}

bool ask_for_amx() {
  constexpr unsigned features = 7, bf16 = 1U << 22, registers = 1U << 24;  // of EDX
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(features, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & bf16) == 0 || (edx & registers) == 0) return false;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

}  // namespace

bool has_amx() {
  static const bool has = ask_for_amx();
  return has;
}

void amx_tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t pairs,
                      TileOperand<Bf16Pair> a, const Bf16Pair* b, std::int64_t ldb, float* c,
                      std::int64_t ldc, const float* bias) {
  const std::int64_t steps = (pairs + side - 1) / side, whole = steps * side;
  if (a.column == 1 && pairs == whole)
    return whole_steps(start, m, n, steps, a.data, a.row, b, ldb, c, ldc, bias);
  const Scratch<Bf16Pair> rows(m * whole);
  gather_rows(m, pairs, a, rows.data(), whole);
  if (pairs == whole) return whole_steps(start, m, n, steps, rows.data(), whole, b, ldb, c, ldc, bias);
  const Scratch<Bf16Pair> columns(whole * n);
  for (std::int64_t p = 0; p < pairs; ++p) std::copy_n(b + p * ldb, n, columns.data() + p * n);
  std::fill(columns.data() + pairs * n, columns.data() + whole * n, Bf16Pair{0});
  whole_steps(start, m, n, steps, rows.data(), whole, columns.data(), n, c, ldc, bias);
}

LRUREC_USES_AMX double amx_multiply_in_registers(std::int64_t rounds) {
  if (!has_amx()) return 0;
  shape_registers(block, block);
  for (std::int64_t i = 0; i < rounds; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return static_cast<double>(rounds * block * block * 2 * side);
}

#else

bool has_amx() { return false; }
void amx_tile_product(TileStart, std::int64_t, std::int64_t, std::int64_t, TileOperand<Bf16Pair>,
                      const Bf16Pair*, std::int64_t, float*, std::int64_t, const float*) {
  fail(ErrorKind::internal, "this build has no AMX");
}
double amx_multiply_in_registers(std::int64_t) { return 0; }

#endif

}  // namespace lrurec
