// Reductions made of other operations.

#include <algorithm>
#include <limits>

#include "ops/compare/compare.h"
#include "ops/complex/complex.h"
#include "ops/elementwise/elementwise.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/reduced.h"
#include "ops/where/where.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

Variable var(const Variable& x, const Dims& dims, double correction, bool keep_dims) {
  dispatch_inexact("var", x.dtype(), []<class T>() {});
  const auto count = reduced_count(x.shape(), reduced_dims("var", x.shape(), dims));
  const double degrees = std::max(static_cast<double>(count) - correction, 0.0);
  const Variable deviation = x - mean(x, dims, /*keep_dims=*/true);
  const Variable size = is_complex(x.dtype()) ? abs(deviation) : deviation;
  return sum(square(size), dims, keep_dims) * (1 / degrees);
}
Tensor raw::var(const Tensor& x, const Dims& dims, double correction, bool keep_dims) {
  check_defined("var", x);
  return ops::var(Variable(x), dims, correction, keep_dims).value();
}

Tensor raw::norm(const Tensor& x, const Dims& dims, bool keep_dims) {
  // Checked here, so that an error names this operation and not those that it is made of.
  check_defined("norm", x);
  reduced_dims("norm", x.shape(), dims);
  dispatch_inexact("norm", x.dtype(), []<class T>() {});
  const Tensor size = is_complex(x.dtype()) ? raw::abs(x) : x;
  return raw::sqrt(raw::sum(raw::square(size.to(DType::f64)), dims, keep_dims)).to(real_of(x.dtype()));
}

// dx = dy x / y, and 0 where y = 0
Variable norm(const Variable& x, const Dims& dims, bool keep_dims) {
  const Tensor y = raw::norm(x.value(), dims, keep_dims);
  return record("norm", {x}, y, [x = x.value(), y, dims](const Tensor& dy, const Needs&) {
    const auto reduced = reduced_dims("norm", x.shape(), dims);
    const Tensor length = stretch(y, x.shape(), reduced);
    const Tensor direction = raw::where(raw::equal(length, 0), 0, x / length);
    return Tensors{stretch(dy, x.shape(), reduced) * direction};
  });
}

Tensor raw::logsumexp(const Tensor& x, const Dims& dims, bool keep_dims) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  check_defined("logsumexp", x);
  if (!is_real(x.dtype())) fail_op("logsumexp", "dtype {} is not supported", name(x.dtype()));
  const auto reduced = reduced_dims("logsumexp", x.shape(), dims);
  const Shape kept = reduced_shape(x.shape(), reduced, true),
              shape = reduced_shape(x.shape(), reduced, keep_dims);
  const std::int64_t count = reduced_count(x.shape(), reduced);
  if (count == 0) return Tensor::full(shape, -infinity, x.dtype(), x.device());
  Tensor largest = raw::max(reduced_last(x, reduced).reshape({kept.numel(), count}), 1).reshape(kept);
  // An infinite maximum must not be subtracted.
  largest = raw::where(raw::abs(largest) < infinity, largest, 0);
  return (raw::log(raw::sum(raw::exp(x - largest), dims, true)) + largest).reshape(shape);
}

// dx = dy e^(x - y), and 0 where y = -inf
Variable logsumexp(const Variable& x, const Dims& dims, bool keep_dims) {
  const Tensor y = raw::logsumexp(x.value(), dims, keep_dims);
  return record("logsumexp", {x}, y, [x = x.value(), y, dims](const Tensor& dy, const Needs&) {
    const auto reduced = reduced_dims("logsumexp", x.shape(), dims);
    const Tensor total = stretch(y, x.shape(), reduced);
    const Tensor share =
        raw::where(raw::equal(total, -std::numeric_limits<double>::infinity()), 0, raw::exp(x - total));
    return Tensors{stretch(dy, x.shape(), reduced) * share};
  });
}

}  // namespace lrurec::ops
