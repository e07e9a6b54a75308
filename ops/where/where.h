#pragma once
// Choosing between elements: by a boolean Tensor, or by bounds.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y_i = a_i where condition_i, else b_i. condition: boolean (see ops/compare). Shapes broadcast; dtypes of a
/// and b are promoted. A number takes the precision of the other operand. With integers, a whole number is an
/// integer and any other f64; with booleans, 0 and 1 are booleans.
///
/// Backward: da = dy where the condition holds, else 0; db = dy where it does not, else 0. This 0 does not
/// help where the operand that was not chosen was itself computed through an infinity or NaN: the chain rule
/// gives 0 * inf = NaN there. Make the input of such a computation harmless first.
Variable where(const Tensor& condition, const Variable& a, const Variable& b);
Variable where(const Tensor& condition, const Variable& a, double b);
Variable where(const Tensor& condition, double a, const Variable& b);

/// y_i = value where mask_i, else x_i, in the dtype of x; a value that this dtype does not have (.5 for
/// integers) is an error. mask: boolean, of a shape that stretches to that of x. Backward: dx = 0 where
/// mask_i, else dy.
Variable masked_fill(const Variable& x, const Tensor& mask, double value);

/// y_i = min(max(x_i, low), high); f32 f64. A bound may be infinite. NaN stays NaN. Backward: dx = dy where
/// low <= x <= high, else 0, also for NaN.
Variable clamp(const Variable& x, double low, double high);

namespace raw {
/// Every dtype.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, double b);
Tensor where(const Tensor& condition, double a, const Tensor& b);
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);
Tensor clamp(const Tensor& x, double low, double high);
}  // namespace raw

}  // namespace lrurec::ops
