#pragma once
// What label smoothing adds to a cross-entropy.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// By how much a label's score exceeds the mean score of all classes, averaged over rows with a label. With
/// scores s = x W^T + b it is y = mean over t of (s[t, label_t] - mean_c s[t, c]). No scores are stored.
///
/// x: [tokens, H], weight: [C, H], bias: [C], f32 or f64; labels: i64 [tokens], -1 = no label -> scalar.
/// No label at all, or a label out of range, is an error. It is made of recorded operations, whose gradients
/// it has.
///
/// Label smoothing by e has a target of e / C for every class, and 1 - e more for the label. Since
/// -log p_c = lse - s_c,
///   (1 - e) (-log p_label) + e mean_c(-log p_c)  =  -log p_label + e (s_label - mean_c s_c),
/// which is cross_entropy + e label_margin.
Variable label_margin(const Variable& x, const Variable& weight, const Variable& bias,
                      const IndexTensor& labels);

}  // namespace lrurec::ops
