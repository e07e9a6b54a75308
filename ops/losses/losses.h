#pragma once
// Losses made of other operations, each a pass over memory. For classes: ops/cross_entropy,
// ops/linear_cross_entropy.

#include "autograd/variable.h"

namespace lrurec::ops {

/// The mean of (x - target)^2 over all elements; f32 f64. target: the shape of x (not broadcast). Without
/// elements it is NaN. Backward: dx = 2 (x - target) dy / n = -dtarget.
Variable mse_loss(const Variable& x, const Variable& target);
Variable mse_loss(const Variable& x, const Tensor& target);

/// The mean of -t log p - (1 - t) log(1 - p) over all elements, p = sigmoid(x) and t the target, from 0 to 1;
/// f32 f64, target as above. Computed as t softplus(-x) + (1 - t) softplus(x), which keeps its digits where p
/// is near 0 or 1; dx = (p - t) dy / n, and dt = -x dy / n.
Variable binary_cross_entropy_with_logits(const Variable& x, const Variable& target);
Variable binary_cross_entropy_with_logits(const Variable& x, const Tensor& target);

}  // namespace lrurec::ops
