#pragma once
// The parts of the operation table.

#include "ops/table/operation_table.h"

namespace lrurec::ops {

using Rows = std::vector<OperationCase>;

void add_elementwise_rows(Rows& rows);  ///< ops/elementwise, ops/complex
void add_tensor_rows(Rows& rows);       ///< ops/reduce, ops/shape, ops/matmul, ops/top_k
void add_layer_rows(Rows& rows);        ///< linear, embedding, dropout, layer_norm, softmax, losses
void add_scan_rows(Rows& rows);         ///< ops/linear_scan, ops/lru
void add_sampled_rows(Rows& rows);      ///< sampled_cross_entropy

}  // namespace lrurec::ops
