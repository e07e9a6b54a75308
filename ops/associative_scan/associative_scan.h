#pragma once
// A parallel scan with your own operator: Algorithm 1 of the paper for any recurrence that can be written as
// an associative product.

#include <functional>

#include "autograd/variable.h"
#include "tensor/index_tensor.h"

namespace lrurec::ops {

/// Joins neighbouring ranges: row i of the result is left_i * right_i, where left_i stands for a range of
/// tokens and right_i for the one right after it. Both hold the same parts, each [n, ...] with any n, and so
/// must the result. The function must be associative; it need not be commutative. Made of recorded
/// operations, it has a gradient.
using Combine = std::function<Variables(const Variables& left, const Variables& right)>;

/// y_t = x_first * ... * x_t within each sequence, where * is `combine`.
///
/// elements: the parts of x, each [tokens, ...]; offsets: i64 [S + 1] (see linear_scan) -> the parts of y, of
/// the same shapes and dtypes. The gradient is that of the operations that `combine` calls.
///
/// `combine` is called at most 2 log2(longest sequence) times, with pairs from all sequences at once: fewer
/// than 2 * tokens pairs in all. Pairs are gathered and put back as rows. A built-in scan does without these
/// copies, so this one is for small sizes.
///
/// h_t = a_t h_{t-1} + x_t, the same as linear_scan(a, x, offsets):
///
///   const auto join = [](const Variables& l, const Variables& r) {
///     return Variables{r[0] * l[0], r[0] * l[1] + r[1]};
///   };
///   const Variable h = associative_scan(join, {a, x}, offsets)[1];
///
/// Running products of matrices m [tokens, n, n], the last one on the left:
///
///   const auto join = [](const Variables& l, const Variables& r) { return Variables{matmul(r[0], l[0])}; };
///   const Variable products = associative_scan(join, {m}, offsets)[0];
Variables associative_scan(const Combine& combine, const Variables& elements, const IndexTensor& offsets);

}  // namespace lrurec::ops
