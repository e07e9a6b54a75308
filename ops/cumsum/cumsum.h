#pragma once
// Cumulative sums.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y_t = x_0 + ... + x_t along dimension dim; f32 f64 c64 c128, summed in double. Backward is the same sum
/// from the end: dx_t = dy_t + dy_{t+1} + ...
Variable cumsum(const Variable& x, int dim);

namespace raw {
Tensor cumsum(const Tensor& x, int dim);
}  // namespace raw

}  // namespace lrurec::ops
