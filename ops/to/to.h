#pragma once
// Moving values between devices and between types of numbers, as an operation.

#include "autograd/variable.h"

namespace lrurec::ops {

/// The same values on another device (Tensor::to). Backward: dx = dy, moved back to where x was.
Variable to(const Variable& x, Device device);

/// The same values in f32, f64, c64 or c128 (Tensor::to: complex to real is an error, take real() or imag()).
/// Backward: dx = dy in x's dtype, its real part where x is real.
Variable to(const Variable& x, DType dtype);

}  // namespace lrurec::ops
