#pragma once
// The most that a core can compute: no kernel that multiplies can take less time.

#include <cstdint>

namespace lrurec::ops {

/// Runs fused multiply-adds of f32 that stay in registers, on the widest vectors of this build, `rounds`
/// times in each thread. Returns the number of floating-point operations of all threads, two for each
/// multiply-add.
double multiply_in_registers(std::int64_t rounds);

/// How many products of numbers in bf16, summed in f32, one core computes in the time of one of f32. Each
/// call measures it anew, in a millisecond. 15 to 20 for an Intel of the fifth generation with AMX, .5 for
/// the same without, whose instruction on vectors takes four times as long as one of f32; about 2 for an AMD
/// Zen 5.
double bf16_speed();

}  // namespace lrurec::ops
