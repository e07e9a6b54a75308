#include "ops/reduce/reduce.h"

#include <algorithm>

#include "ops/elementwise/elementwise.h"
#include "ops/reduce/kernels.h"
#include "ops/reduce/reduced.h"
#include "ops/reduce/sum_to.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

/// The sums over the reduced dimensions, each divided by `divisor`.
Tensor sum_dims(std::string_view op, const Tensor& x, const std::vector<bool>& reduced, bool keep_dims,
                double divisor = 1) {
  check_defined(op, x);
  Tensor y = Tensor::empty(reduced_shape(x.shape(), reduced, keep_dims), x.dtype(), x.device());
  const std::int64_t columns = reduced_count(x.shape(), reduced);
  const std::int64_t kept = y.numel();
  // Leading dimensions of a dense tensor are summed where they lie; anything else is brought into row form
  // first.
  const auto first_kept = std::find(reduced.begin(), reduced.end(), false);
  const bool leading =
      first_kept != reduced.begin() && std::find(first_kept, reduced.end(), true) == reduced.end();
  const Tensor dense = leading ? x.contiguous() : reduced_last(x, reduced).contiguous();
  dispatch_inexact(op, x.dtype(), [&]<class T>() {
    on_device(op, x.device(), [&](auto where) {
      if (kept == 0) return;  // there may be 2^62 rows without elements
      if (leading) {
        kernels::sum_columns(where, columns, kept, dense.data<T>(), y.data<T>(), divisor);
      } else {
        kernels::sum_rows(where, kept, columns, dense.data<T>(), y.data<T>(), divisor);
      }
    });
  });
  return y;
}

}  // namespace

Tensor raw::sum(const Tensor& x, const Dims& dims, bool keep_dims) {
  return sum_dims("sum", x, reduced_dims("sum", x.shape(), dims), keep_dims);
}

// dx = dy in every reduced element.
Variable sum(const Variable& x, const Dims& dims, bool keep_dims) {
  const auto reduced = reduced_dims("sum", x.shape(), dims);
  return record("sum", {x}, sum_dims("sum", x.value(), reduced, keep_dims),
                [shape = x.shape(), reduced](const Tensor& dy, const Needs&) {
                  return Tensors{stretch(dy, shape, reduced)};
                });
}

Tensor raw::mean(const Tensor& x, const Dims& dims, bool keep_dims) {
  const auto reduced = reduced_dims("mean", x.shape(), dims);
  return sum_dims("mean", x, reduced, keep_dims, static_cast<double>(reduced_count(x.shape(), reduced)));
}

// dx = dy / n in every reduced element.
Variable mean(const Variable& x, const Dims& dims, bool keep_dims) {
  const auto reduced = reduced_dims("mean", x.shape(), dims);
  const double scale = 1.0 / static_cast<double>(reduced_count(x.shape(), reduced));
  return record("mean", {x}, raw::mean(x.value(), dims, keep_dims),
                [shape = x.shape(), reduced, scale](const Tensor& dy, const Needs&) {
                  const Tensor factor = Tensor::full(Shape{}, scale, real_of(dy.dtype()), dy.device());
                  return Tensors{stretch(raw::mul(dy, factor), shape, reduced)};
                });
}

namespace {

int dimension_of_some(std::string_view op, const Tensor& x, int dim) {
  dim = normalize_dim(op, dim, x.rank());
  if (x.size(dim) == 0) fail_op(op, "dimension {} of shape {} is empty", dim, x.shape().str());
  return dim;
}

/// argmax, with `op` as the name in errors.
Tensor index_of_largest(std::string_view op, const Tensor& x, int dim, bool keep_dims) {
  check_defined(op, x);
  dim = dimension_of_some(op, x, dim);
  const auto reduced = reduced_dims(op, x.shape(), {dim});
  Tensor index = Tensor::empty(reduced_shape(x.shape(), reduced, keep_dims), DType::i64, x.device());
  const Tensor dense = reduced_last(x, reduced).contiguous();
  dispatch_real(op, x.dtype(), [&]<class T>() {
    on_device(op, x.device(), [&](auto where) {
      kernels::argmax_rows(where, index.numel(), x.size(dim), dense.data<T>(), index.data<std::int64_t>());
    });
  });
  return index;
}

// The smallest is the largest of -x. The first of equal elements, and a NaN, are found as for the largest.
Tensor index_of_smallest(std::string_view op, const Tensor& x, int dim, bool keep_dims) {
  check_defined(op, x);
  dispatch_real(op, x.dtype(), []<class T>() {});
  return index_of_largest(op, raw::neg(x), dim, keep_dims);
}

kernels::Chosen chosen_elements(const Shape& shape, int dim, const Tensor& index) {
  std::int64_t inner = 1;
  for (int d = dim + 1; d < shape.rank(); ++d) inner *= shape[d];
  return {index.numel(), shape[dim], inner, index.data<std::int64_t>()};
}

Tensor gather_chosen(const Tensor& x, int dim, const Tensor& index) {
  Tensor y = Tensor::empty(index.shape(), x.dtype(), x.device());
  const Tensor dense = x.contiguous();
  const auto chosen = chosen_elements(x.shape(), dim, index);
  dispatch_real("max", x.dtype(), [&]<class T>() {
    on_device("max", x.device(),
              [&](auto where) { kernels::gather_chosen<T>(where, chosen, dense.data<T>(), y.data<T>()); });
  });
  return y;
}

Tensor scatter_chosen(const Tensor& dy, const Shape& shape, int dim, const Tensor& index) {
  Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
  const Tensor dense = dy.contiguous();
  const auto chosen = chosen_elements(shape, dim, index);
  dispatch_real("max", dy.dtype(), [&]<class T>() {
    on_device("max", dy.device(),
              [&](auto where) { kernels::scatter_chosen<T>(where, chosen, dense.data<T>(), dx.data<T>()); });
  });
  return dx;
}

}  // namespace

Tensor raw::argmax(const Tensor& x, int dim, bool keep_dims) {
  return index_of_largest("argmax", x, dim, keep_dims);
}

Tensor raw::max(const Tensor& x, int dim, bool keep_dims) {
  return gather_chosen(x, normalize_dim("max", dim, x.rank()), index_of_largest("max", x, dim, keep_dims));
}

namespace {

// dx = dy where x is the chosen element, else 0.
Variable chosen(std::string_view op, const Variable& x, int dim, const Tensor& index) {
  dim = normalize_dim(op, dim, x.value().rank());
  return record(op, {x}, gather_chosen(x.value(), dim, index),
                [shape = x.shape(), dim, index](const Tensor& dy, const Needs&) {
                  return Tensors{scatter_chosen(dy, shape, dim, index)};
                });
}

}  // namespace

Variable max(const Variable& x, int dim, bool keep_dims) {
  return chosen("max", x, dim, index_of_largest("max", x.value(), dim, keep_dims));
}

Tensor raw::argmin(const Tensor& x, int dim, bool keep_dims) {
  return index_of_smallest("argmin", x, dim, keep_dims);
}

Tensor raw::min(const Tensor& x, int dim, bool keep_dims) {
  return gather_chosen(x, normalize_dim("min", dim, x.rank()), index_of_smallest("min", x, dim, keep_dims));
}

Variable min(const Variable& x, int dim, bool keep_dims) {
  return chosen("min", x, dim, index_of_smallest("min", x.value(), dim, keep_dims));
}

Tensor raw::sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int skip = x.rank() - shape.rank();
  std::vector<bool> reduced(static_cast<std::size_t>(x.rank()));
  for (int d = 0; d < x.rank(); ++d) {
    reduced[static_cast<std::size_t>(d)] = d < skip || (shape[d - skip] == 1 && x.shape()[d] != 1);
  }
  return sum_dims("sum", x, reduced, /*keep_dims=*/true).reshape(shape);
}

Tensor raw::fit_gradient(const Tensor& grad, const Shape& shape, DType dtype) {
  const bool drop_imaginary = is_complex(grad.dtype()) && !is_complex(dtype);
  const Tensor kept = drop_imaginary ? grad.real_part() : grad;
  return sum_to(kept, shape).to(dtype);
}

}  // namespace lrurec::ops
