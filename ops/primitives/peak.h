#pragma once
// What a core computes at best: the floor of everything that multiplies.

#include <cstdint>

namespace lrurec::ops {

/// Fused multiply-adds of f32 on the widest vectors of this build that never leave the registers, `rounds`
/// times in each thread; returns their floating-point operations, two each, of all threads together.
double multiply_in_registers(std::int64_t rounds);

/// How many products of numbers in bf16, summed in f32, one core makes in the time of one of f32; measured
/// anew by each call, in a millisecond. About 2 for an AMD Zen 5, .5 for an Intel of the fifth
/// generation, whose instruction takes four times as long as one of f32.
double bf16_speed();

}  // namespace lrurec::ops
