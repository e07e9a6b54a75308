#pragma once
// Layer normalisation (equation 7 of the paper).

#include "autograd/variable.h"

namespace lrurec::ops {

/// y = weight * (x - mu) / sqrt(var + eps) + bias, mu and var (divided by H) over the last dimension.
/// x: [..., H], weight and bias: [H]; f32 or f64, one dtype.
/// Backward, with n = (x - mu) r, r = 1 / sqrt(var + eps), g = dy * weight:
///
///   dx = r (g - mean(g) - n mean(g n)),  dweight = sum_rows dy n,  dbias = sum_rows dy.
Variable layer_norm(const Variable& x, const Variable& weight, const Variable& bias, double eps = 1e-5);

namespace raw {
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps = 1e-5);
}  // namespace raw

}  // namespace lrurec::ops
