#pragma once
// The affine map of a layer.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y = x W^T + b.  x: [..., in], W: [out, in], b: [out] or undefined -> [..., out].
/// One dtype for all (f32 f64 c64 c128), except that an f32 x may meet c64 W and b, and an f64 x c128 ones.
/// Backward, with x and dy as [n, in] and [n, out]: dx = dy conj(W), of a real x its real part;
/// dW = dy^T conj(x), db = sum_n dy.
Variable linear(const Variable& x, const Variable& weight, const Variable& bias = {});

namespace raw {
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
}  // namespace raw

}  // namespace lrurec::ops
