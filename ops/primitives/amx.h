#pragma once
// Products of tiles in bf16 by AMX, the matrix unit of Intel's servers since 2023: one instruction multiplies
// 16 x 32 by 32 x 16 numbers.

#include <cstdint>

#include "ops/primitives/bf16.h"
#include "ops/primitives/tile_product.h"

namespace lrurec {

/// Whether this build, the processor and the kernel offer it. The first call asks the kernel, which keeps the
/// unit's registers from a process that has not asked.
bool has_amx();

/// The product of tile_product for operands in bf16, where has_amx(). Rows of `a` are neighbours (a.column is
/// 1) or its columns are (a.row is 1).
///
/// An element is not the chain of tile_product: of every 32 products along the inner index (16 pairs), the
/// first numbers of the pairs make one chain of fused multiply-adds from zero and the second another, and the
/// sum of the two is added to the element. Subnormal numbers, products and sums are zero. The bits still
/// depend neither on m and n nor on how tiles are shared among threads.
void amx_tile_product(TileStart start, std::int64_t m, std::int64_t n, std::int64_t pairs,
                      TileOperand<Bf16Pair> a, const Bf16Pair* b, std::int64_t ldb, float* c,
                      std::int64_t ldc, const float* bias = nullptr);

/// Multiplies in the unit's registers alone, `rounds` times; returns the number of multiply-adds.
double amx_multiply_in_registers(std::int64_t rounds);

}  // namespace lrurec
