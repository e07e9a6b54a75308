#pragma once
// Softmax and its logarithm.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y_c = exp(x_c - lse), lse = log sum_c exp(x_c) along `dim` (computed after subtracting the maximum).
/// f32 f64, any shape; for one without dimensions `dim` is 0 or -1. Backward: dx = y (dy - sum_c dy_c y_c).
Variable softmax(const Variable& x, int dim = -1);

/// y_c = x_c - lse, as for softmax(). Backward: dx = dy - exp(y) sum_c dy_c.
Variable log_softmax(const Variable& x, int dim = -1);

namespace raw {
Tensor softmax(const Tensor& x, int dim = -1);
Tensor log_softmax(const Tensor& x, int dim = -1);
}  // namespace raw

}  // namespace lrurec::ops
