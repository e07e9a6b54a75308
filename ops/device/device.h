#pragma once
// Moving values between devices as an operation.

#include "autograd/variable.h"

namespace lrurec::ops {

/// The same values on another device (Tensor::to). Backward: dx = dy, moved back to where x was.
Variable to(const Variable& x, Device device);

}  // namespace lrurec::ops
