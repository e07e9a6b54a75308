#pragma once
// Dropout, residual and layer norm as one operation: the end of each sublayer (equations 5, 7 and 9).

#include "autograd/variable.h"
#include "ops/dropout/dropout.h"

namespace lrurec::ops {

/// y = layer_norm(dropout(a, p, key) + x, weight, bias, eps).
///
/// a: [tokens, H]; x: the same or undefined (no residual); weight, bias: [H]; f32 or f64, one dtype ->
/// [tokens, H]. The mask is that of ops::dropout (p = 0: none).
///
/// Backward, with n the normalised row, r = 1 / sqrt(var + eps), g = dy weight:
///
///   dx = r (g - mean(g) - n mean(g n)),  da = mask dx,  dweight = sum dy n,  dbias = sum dy
///
/// The bits do not depend on the thread count.
Variable residual_layer_norm(const Variable& a, const Variable& x, const Variable& weight,
                             const Variable& bias, double eps, double p = 0, DropoutKey key = {});

namespace raw {
/// Without dropout.
Tensor residual_layer_norm(const Tensor& a, const Tensor& x, const Tensor& weight, const Tensor& bias,
                           double eps);
}  // namespace raw

}  // namespace lrurec::ops
