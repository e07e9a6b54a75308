#pragma once

#include "ops/linear_cross_entropy/kernels.h"

namespace lrurec::ops::kernels {

/// HeadAlgorithm::two_pass. loss: [tokens], log-sum-exp - score of the label, 0 without one; gradients as
/// `f` asks for them.
template <class T>
void two_pass_head(const LinearCrossEntropy<T>& f, T* loss);

}  // namespace lrurec::ops::kernels
