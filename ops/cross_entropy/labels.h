#pragma once
// The check of labels that all cross-entropies share.

#include <string_view>

#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// Checks labels: [rows] i64, each -1 (no label) or in 0..classes-1, at least one label; returns their
/// number.
std::int64_t check_labels(std::string_view op, const IndexTensor& labels, std::int64_t rows,
                          std::int64_t classes);

}  // namespace lrurec::ops
