#pragma once
// The parts of gradient_cases().

#include "ops/gradient_cases/gradient_cases.h"

namespace lrurec::ops {

using Cases = std::vector<GradientCase>;

void add_elementwise_cases(Cases& cases);  ///< ops/elementwise, ops/complex
void add_tensor_cases(Cases& cases);       ///< ops/reduce, ops/cumsum, ops/shape, ops/matmul, ops/top_k
void add_selection_cases(Cases& cases);    ///< ops/where, ops/gather, ops/losses
void add_layer_cases(Cases& cases);        ///< linear, embedding, dropout, layer_norm, softmax, losses
void add_scan_cases(Cases& cases);         ///< ops/linear_scan, ops/lru
void add_sampled_cases(Cases& cases);      ///< sampled_cross_entropy

void add_sequence_cases(Cases& cases);  ///< segments, gru, attention

}  // namespace lrurec::ops
