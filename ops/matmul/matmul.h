#pragma once
// Matrix products, real and complex, batched.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y = a b.  a: [..., m, k], b: [..., k, n] -> [..., m, n]; leading dimensions broadcast; dtypes are
/// promoted.
///
/// A vector counts as a row [1, k] on the left and as a column [k, 1] on the right, and the result is without
/// that dimension: [k] [k] -> [], [m, k] [k] -> [m], [k] [..., k, n] -> [..., n]. No vector is conjugated.
///
/// Backward: da = dy b^H, db = a^H dy, where ^H is the conjugate transpose.
Variable matmul(const Variable& a, const Variable& b);

namespace raw {
/// Optionally with the elementwise conjugate of a or b, without storing it.
Tensor matmul(const Tensor& a, const Tensor& b, bool conj_a = false, bool conj_b = false);
}  // namespace raw

}  // namespace lrurec::ops
