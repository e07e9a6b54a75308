#pragma once
// What reductions share: which dimensions go, and the shapes before and after.

#include <string_view>
#include <vector>

#include "ops/reduce/reduce.h"

namespace lrurec::ops {

/// Marks the reduced dimensions; all of them for an empty list.
std::vector<bool> reduced_dims(std::string_view op, const Shape& shape, const Dims& dims);

/// The shape after a reduction that keeps reduced dimensions with size 1, or drops them.
Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keep_dims);

/// x with its reduced dimensions moved behind the kept ones, in their order.
Tensor reduced_last(const Tensor& x, const std::vector<bool>& reduced);

/// The number of elements that become one.
std::int64_t reduced_count(const Shape& shape, const std::vector<bool>& reduced);

/// A gradient of the reduced result, stretched over the shape before the reduction.
Tensor stretch(const Tensor& dy, const Shape& shape, const std::vector<bool>& reduced);

}  // namespace lrurec::ops
