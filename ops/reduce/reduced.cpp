#include "ops/reduce/reduced.h"

#include <algorithm>

#include "tensor/error.h"

namespace lrurec::ops {

std::vector<bool> reduced_dims(std::string_view op, const Shape& shape, const Dims& dims) {
  std::vector<bool> reduced(static_cast<std::size_t>(shape.rank()), dims.list().empty());
  for (const int dim : dims.list()) {
    const auto d = static_cast<std::size_t>(normalize_dim(op, dim, shape.rank()));
    if (reduced[d]) fail_op(op, "dimension {} is named twice", dim);
    reduced[d] = true;
  }
  return reduced;
}

Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keep_dims) {
  Shape result;
  for (int d = 0; d < shape.rank(); ++d) {
    if (!reduced[static_cast<std::size_t>(d)]) {
      result.push_back(shape[d]);
    } else if (keep_dims) {
      result.push_back(1);
    }
  }
  return result;
}

Tensor reduced_last(const Tensor& x, const std::vector<bool>& reduced) {
  std::vector<int> order;
  for (int d = 0; d < x.rank(); ++d) order.push_back(d);
  std::stable_partition(order.begin(), order.end(),
                        [&](int d) { return !reduced[static_cast<std::size_t>(d)]; });
  return x.permute(order);
}

std::int64_t reduced_count(const Shape& shape, const std::vector<bool>& reduced) {
  Shape sizes;
  for (int d = 0; d < shape.rank(); ++d) {
    if (reduced[static_cast<std::size_t>(d)]) sizes.push_back(shape[d]);
  }
  return sizes.numel();
}

Tensor stretch(const Tensor& dy, const Shape& shape, const std::vector<bool>& reduced) {
  return dy.reshape(reduced_shape(shape, reduced, true)).broadcast_to(shape);
}

}  // namespace lrurec::ops
