#pragma once
// What label smoothing adds to a cross-entropy.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// How far the score of its label lies above the mean score of all classes, the mean over rows with a label:
/// scores s = x W^T + b, y = mean over t of (s[t, label_t] - mean_c s[t, c]). No scores are stored.
///
/// x: [tokens, H], weight: [C, H], bias: [C], f32 or f64; labels: i64 [tokens], -1 = no label -> scalar.
/// No label at all, or a label out of range, is an error.
///
/// Label smoothing by e asks for a probability of e / C from every class beside 1 - e from the label. Since
/// -log p_c = lse - s_c,
///   (1 - e) (-log p_label) + e mean_c(-log p_c)  =  -log p_label + e (s_label - mean_c s_c),
/// which is cross_entropy + e label_margin.
Variable label_margin(const Variable& x, const Variable& weight, const Variable& bias,
                      const IndexTensor& labels);

}  // namespace lrurec::ops
