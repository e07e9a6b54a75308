#pragma once
// Dropout whose mask is a function of a counter, so that it is never stored.

#include "autograd/variable.h"

namespace lrurec::ops {

/// Which mask: the seed of the run and a stream number that differs for every use (layer and training step).
struct DropoutKey {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
};

/// y_i = x_i / (1 - p) with probability 1 - p, else 0 * x_i, which is NaN for an infinity or NaN.
/// f32 f64 c64 c128; 0 <= p <= 1, rounded to a multiple of 2^-16; p = 0 gives x, p = 1 zeros.
///
/// Whether element i (row-major) is kept is decided by half i mod 8 of the words of Philox(key) at counter i
/// / 8 (ops/primitives/dropout_mask.h). Backward applies the same mask.
Variable dropout(const Variable& x, double p, DropoutKey key);

namespace raw {
Tensor dropout(const Tensor& x, double p, DropoutKey key);
}  // namespace raw

}  // namespace lrurec::ops
