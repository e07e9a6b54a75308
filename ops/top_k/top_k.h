#pragma once
// The k largest of each row.

#include "autograd/variable.h"

namespace lrurec::ops {

struct TopK {
  Tensor indices;   ///< i64 [..., k]
  Variable values;  ///< [..., k], in falling order
};

/// The k largest elements of the last dimension, equal elements in the order of their index. NaN comes first,
/// as it is the maximum in ops/reduce too. x: [..., n] f32 f64, 0 <= k <= n. Backward: the gradient of each
/// value goes to the element it came from, 0 to the others.
TopK top_k(const Variable& x, std::int64_t k);

namespace raw {
struct TopK {
  Tensor indices, values;
};
TopK top_k(const Tensor& x, std::int64_t k);
}  // namespace raw

}  // namespace lrurec::ops
