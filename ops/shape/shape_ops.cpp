#include "ops/shape/shape_ops.h"

#include <algorithm>
#include <functional>

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

Variable permute(const Variable& x, const std::vector<int>& dims) {
  return record("permute", {x}, x.value().permute(dims), [dims](const Tensor& dy, const Needs&) {
    std::vector<int> back(dims.size());
    for (int d = 0; d < dy.rank(); ++d) {
      const int from = normalize_dim("permute", dims[static_cast<std::size_t>(d)], dy.rank());
      back[static_cast<std::size_t>(from)] = d;
    }
    return Tensors{dy.permute(back)};
  });
}

Variable unsqueeze(const Variable& x, int dim) {
  return record("unsqueeze", {x}, x.value().unsqueeze(dim),
                [dim](const Tensor& dy, const Needs&) { return Tensors{dy.squeeze(dim)}; });
}

Variable squeeze(const Variable& x, int dim) {
  return record("squeeze", {x}, x.value().squeeze(dim),
                [dim](const Tensor& dy, const Needs&) { return Tensors{dy.unsqueeze(dim)}; });
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  return record(
      "broadcast_to", {x}, x.value().broadcast_to(shape),
      [from = x.shape()](const Tensor& dy, const Needs&) { return Tensors{raw::sum_to(dy, from)}; });
}

Variable flip(const Variable& x, const std::vector<int>& dims) {
  return record("flip", {x}, x.value().flip(dims),
                [dims](const Tensor& dy, const Needs&) { return Tensors{dy.flip(dims)}; });
}

// dx is dy where the slice took an element, and 0 elsewhere. A loop that takes many slices of a variable
// makes these zeros once; the later slices are added to that gradient (add_into).
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

// dx is dy at the index, and 0 elsewhere; see slice().
Variable select(const Variable& x, int dim, std::int64_t index) {
  return record(
      "select", {x}, x.value().select(dim, index),
      [shape = x.shape(), dim, index](const Tensor& dy, const Needs&) {
        Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
        dx.select(dim, index).copy_(dy);
        return Tensors{dx};
      },
      [dim, index](const Tensor& dy, Tensor& total) { total.select(dim, index).add_(dy); });
}

Tensor raw::slice_assign(const Tensor& x, int dim, std::int64_t start, std::int64_t end,
                         const Tensor& values) {
  Tensor y = x.clone();
  Tensor part = y.slice(dim, start, end);
  if (broadcast_shapes("slice_assign", part.shape(), values.shape()) != part.shape() ||
      (is_complex(values.dtype()) && !is_complex(x.dtype()))) {
    fail_op("slice_assign", "values: {} {} do not fit the slice: {} {}", name(values.dtype()),
            values.shape().str(), name(x.dtype()), part.shape().str());
  }
  part.copy_(values);
  return y;
}

// dx = dy outside of the slice, and 0 inside; dvalues = dy inside
Variable slice_assign(const Variable& x, int dim, std::int64_t start, std::int64_t end,
                      const Variable& values) {
  return record("slice_assign", {x, values}, raw::slice_assign(x.value(), dim, start, end, values.value()),
                [dim, start, end, shape = values.shape(), dtype = values.dtype()](const Tensor& dy,
                                                                                  const Needs& needs) {
                  Tensors grads(2);
                  if (needs[0]) {
                    grads[0] = dy.clone();
                    grads[0].slice(dim, start, end).fill_(0);
                  }
                  if (needs[1]) grads[1] = raw::fit_gradient(dy.slice(dim, start, end), shape, dtype);
                  return grads;
                });
}

Tensors raw::split(const Tensor& x, std::int64_t size, int dim) {
  dim = normalize_dim("split", dim, x.rank());
  if (size < 1) fail_op("split", "parts of size {}", size);
  const std::int64_t all = x.size(dim);
  if (all == 0) return {x};
  Tensors parts;
  for (std::int64_t at = 0; at < all; at += std::min(size, all - at)) {
    parts.push_back(x.slice(dim, at, at + std::min(size, all - at)));
  }
  return parts;
}

Tensors raw::unbind(const Tensor& x, int dim) {
  dim = normalize_dim("unbind", dim, x.rank());
  Tensors parts;
  for (std::int64_t at = 0; at < x.size(dim); ++at) parts.push_back(x.select(dim, at));
  return parts;
}

namespace {

/// Records `parts`, views that cover x. dx has the gradients of the parts, 0 where a part has none.
Variables record_parts(std::string_view op, const Variable& x, const Tensors& parts,
                       std::function<Tensors(const Tensor&)> cut) {
  if (parts.empty()) return {};
  return record(op, {x}, parts,
                [shape = x.shape(), dtype = x.dtype(), device = x.value().device(), cut = std::move(cut)](
                    const Tensors& grads, const Needs&) {
                  const Tensor dx = Tensor::empty(shape, dtype, device);
                  Tensors parts_of_dx = cut(dx);
                  for (std::size_t i = 0; i < grads.size(); ++i) {
                    if (grads[i].defined()) {
                      parts_of_dx[i].copy_(grads[i]);
                    } else {
                      parts_of_dx[i].fill_(0);
                    }
                  }
                  return Tensors{dx};
                });
}

}  // namespace

Variables split(const Variable& x, std::int64_t size, int dim) {
  const auto cut = [size, dim](const Tensor& t) { return raw::split(t, size, dim); };
  return record_parts("split", x, cut(x.value()), cut);
}

Variables unbind(const Variable& x, int dim) {
  const auto cut = [dim](const Tensor& t) { return raw::unbind(t, dim); };
  return record_parts("unbind", x, cut(x.value()), cut);
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

Tensor raw::stack(const Tensors& parts, int dim) {
  if (parts.empty()) fail_op("stack", "no tensors were given");
  const Tensor& first = parts.front();
  dim = normalize_dim("stack", dim, first.rank() + 1);
  Tensors rows;
  for (const auto& part : parts) {
    if (part.shape() != first.shape() || part.dtype() != first.dtype()) {
      fail_op("stack", "{} and {} differ", describe(first), describe(part));
    }
    rows.push_back(part.unsqueeze(dim));
  }
  return raw::concat(rows, dim);
}

Variable stack(const Variables& parts, int dim) {
  Tensors values;
  for (const auto& part : parts) values.push_back(part.value());
  return record("stack", parts, raw::stack(values, dim),
                [dim](const Tensor& dy, const Needs&) { return raw::unbind(dy, dim); });
}

}  // namespace lrurec::ops
