#include "ops/shape/shape_ops.h"

#include "ops/reduce/sum_to.h"
#include "tensor/error.h"

namespace lrurec::ops {

Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", {x}, x.value().reshape(shape),
                [from = x.shape()](const Tensor& dy, const Needs&) { return Tensors{dy.reshape(from)}; });
}

Variable transpose(const Variable& x, int dim0, int dim1) {
  return record("transpose", {x}, x.value().transpose(dim0, dim1),
                [dim0, dim1](const Tensor& dy, const Needs&) { return Tensors{dy.transpose(dim0, dim1)}; });
}

// dx is dy where the slice took an element, and 0 elsewhere. A loop that takes one slice after the other of a
// variable makes those zeros once: what comes later is added to that gradient (add_into).
Variable slice(const Variable& x, int dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  return record(
      "slice", {x}, x.value().slice(dim, start, end, step),
      [shape = x.shape(), dim, start, end, step](const Tensor& dy, const Needs&) {
        Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
        dx.slice(dim, start, end, step).copy_(dy);
        return Tensors{dx};
      },
      [dim, start, end, step](const Tensor& dy, Tensor& total) {
        total.slice(dim, start, end, step).add_(dy);
      });
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  return record(
      "broadcast_to", {x}, x.value().broadcast_to(shape),
      [from = x.shape()](const Tensor& dy, const Needs&) { return Tensors{raw::sum_to(dy, from)}; });
}

Tensor raw::concat(const Tensors& parts, int dim) {
  if (parts.empty()) fail_op("concat", "no tensors were given");
  const Tensor& first = parts.front();
  dim = normalize_dim("concat", dim, first.rank());
  Shape shape = first.shape();
  shape[dim] = 0;
  for (const auto& part : parts) {
    Shape rest = part.shape();
    if (rest.rank() == shape.rank()) rest[dim] = shape[dim];
    if (rest != shape || part.dtype() != first.dtype()) {
      fail_op("concat", "{} {} does not fit {} {} along dimension {}", name(part.dtype()), part.shape().str(),
              name(first.dtype()), first.shape().str(), dim);
    }
    shape[dim] += part.shape()[dim];
  }
  Tensor y = Tensor::empty(shape, first.dtype(), first.device());
  std::int64_t at = 0;
  for (const auto& part : parts) {
    y.slice(dim, at, at + part.shape()[dim]).copy_(part);
    at += part.shape()[dim];
  }
  return y;
}

Variable concat(const Variables& parts, int dim) {
  Tensors values;
  std::vector<std::int64_t> sizes;
  for (const auto& part : parts) values.push_back(part.value());
  const Tensor y = raw::concat(values, dim);
  dim = normalize_dim("concat", dim, y.rank());
  for (const auto& value : values) sizes.push_back(value.shape()[dim]);
  return record("concat", parts, y, [dim, sizes](const Tensor& dy, const Needs&) {
    Tensors grads;
    std::int64_t at = 0;
    for (const auto size : sizes) {
      grads.push_back(dy.slice(dim, at, at + size));
      at += size;
    }
    return grads;
  });
}

}  // namespace lrurec::ops
