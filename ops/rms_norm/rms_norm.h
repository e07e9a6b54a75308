#pragma once
// Root mean square normalisation (Zhang and Sennrich, 2019): layer norm without its mean and its bias.

#include "autograd/variable.h"

namespace lrurec::ops {

/// y = weight * x / sqrt(mean(x^2) + eps), the mean over the last dimension.
/// x: [..., H], weight: [H]; f32 or f64, one dtype. (PyTorch's rms_norm has another default, the epsilon of
/// the dtype.) Backward, with r = 1 / sqrt(mean(x^2) + eps), n = x r, g = dy * weight:
///
///   dx = r (g - n mean(g n)),  dweight = sum_rows dy n.
Variable rms_norm(const Variable& x, const Variable& weight, double eps = 1e-5);

/// The same one operation after the other: for readers and tests.
Variable rms_norm_composed(const Variable& x, const Variable& weight, double eps = 1e-5);

namespace raw {
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps = 1e-5);
}  // namespace raw

}  // namespace lrurec::ops
