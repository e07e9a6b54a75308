#pragma once
// The last step in the backward of a broadcasting operation.

#include "tensor/tensor.h"

namespace lrurec::ops::raw {

/// Sums `x` over the dimensions in which `shape` was stretched: the reverse of broadcast_to.
Tensor sum_to(const Tensor& x, const Shape& shape);

/// A gradient in the shape and dtype of its input: summed to `shape`, the real part where `dtype` is real.
Tensor fit_gradient(const Tensor& grad, const Shape& shape, DType dtype);

}  // namespace lrurec::ops::raw
