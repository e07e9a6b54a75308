#pragma once
// What a core computes at best: the floor of everything that multiplies.

#include <cstdint>

namespace lrurec::ops {

/// Fused multiply-adds of f32 on the widest vectors of this build that never leave the registers, `rounds`
/// times in each thread; returns their floating-point operations, two each, of all threads together.
double multiply_in_registers(std::int64_t rounds);

}  // namespace lrurec::ops
