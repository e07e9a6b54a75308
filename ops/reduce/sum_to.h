#pragma once
// What the backward of a broadcasting operation ends with.

#include "tensor/tensor.h"

namespace lrurec::ops::raw {

/// Sums `x` over the dimensions in which `shape` was stretched: the reverse of broadcast_to.
Tensor sum_to(const Tensor& x, const Shape& shape);

/// A gradient as its input wants it: summed to `shape`, the real part when the input is real, in its dtype.
Tensor fit_gradient(const Tensor& grad, const Shape& shape, DType dtype);

}  // namespace lrurec::ops::raw
