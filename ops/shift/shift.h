#pragma once
// The previous token, within the sequences of a packed batch.

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// y_t = x_{t-1} within each sequence, 0 at its first token. x: [tokens, H]; offsets: i64 [S + 1] (see
/// linear_scan) -> [tokens, H]. f32 f64 c64 c128.
///
/// Backward: dx_t = dy_{t+1}, 0 at the last token.
Variable shift(const Variable& x, const IndexTensor& offsets);

}  // namespace lrurec::ops
