#include "ops/gather/gather.h"

#include "ops/gather/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

int check(std::string_view op, const Tensor& x, int dim, const IndexTensor& index) {
  dim = normalize_dim(op, dim, x.rank());
  bool fits = index.dtype() == DType::i64 && index.rank() == x.rank();
  for (int d = 0; fits && d < x.rank(); ++d) fits = d == dim || index.size(d) <= x.size(d);
  if (!fits) {
    fail_op(op, "index: {} must be i64 and, but along dimension {}, no larger than x: {}", describe(index),
            dim, x.shape().str());
  }
  if (index.made_in(0, x.size(dim) - 1)) return dim;
  const Tensor flat = index.host();
  const auto* at = flat.data<std::int64_t>();
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    if (at[i] < 0 || at[i] >= x.size(dim)) {
      fail_op(op, "index {} at position {} is not in 0..{}", at[i], i, x.size(dim) - 1);
    }
  }
  return dim;
}

/// The part of x that the index reaches: all of dimension dim, and the size of the index in the others.
Tensor beside(const Tensor& x, int dim, const Tensor& index) {
  Tensor part = x;
  for (int d = 0; d < x.rank(); ++d) {
    if (d != dim) part = part.slice(d, 0, index.size(d));
  }
  return part;
}

Tensor rows_of(const Tensor& x, int dim) { return x.transpose(dim, -1).contiguous(); }

kernels::Places places(const Tensor& rows, const Tensor& index) {
  const std::int64_t taken = index.size(-1);
  return {taken > 0 ? index.numel() / taken : 0, rows.size(-1), taken, index.data<std::int64_t>()};
}

// From here on, indices are checked and on the device of x.

Tensor gathered(const Tensor& x, int dim, const Tensor& index) {
  const Tensor rows = rows_of(beside(x, dim, index), dim), taken = rows_of(index, dim);
  Tensor y = Tensor::empty(taken.shape(), x.dtype(), x.device());
  dispatch_inexact("gather", x.dtype(), [&]<class T>() {
    on_device("gather", x.device(), [&](auto where) {
      kernels::gather<T>(where, places(rows, taken), rows.data<T>(), y.data<T>());
    });
  });
  return y.transpose(dim, -1);
}

/// y[index] += source
void add_scattered(Tensor& y, int dim, const Tensor& index, const Tensor& source) {
  Tensor part = beside(y, dim, index);
  const Tensor rows = part.transpose(dim, -1).clone(), taken = rows_of(index, dim),
               from = rows_of(source, dim);
  dispatch_inexact("scatter_add", y.dtype(), [&]<class T>() {
    on_device("scatter_add", y.device(), [&](auto where) {
      kernels::scatter_add<T>(where, places(rows, taken), from.data<T>(), rows.data<T>());
    });
  });
  part.copy_(rows.transpose(dim, -1));
}

}  // namespace

Tensor raw::gather(const Tensor& x, int dim, const IndexTensor& index) {
  dim = check("gather", x, dim, index);
  return gathered(x, dim, index.to(x.device()).values());
}

Variable gather(const Variable& x, int dim, const IndexTensor& index) {
  dim = check("gather", x.value(), dim, index);
  const Tensor at = index.to(x.value().device()).values();
  return record("gather", {x}, gathered(x.value(), dim, at),
                [shape = x.shape(), dim, at](const Tensor& dy, const Needs&) {
                  Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
                  add_scattered(dx, dim, at, dy);
                  return Tensors{dx};
                });
}

Tensor raw::scatter_add(const Tensor& x, int dim, const IndexTensor& index, const Tensor& source) {
  dim = check("scatter_add", x, dim, index);
  if (source.shape() != index.shape() || source.dtype() != x.dtype()) {
    fail_op("scatter_add", "source: {} {} must have the shape of index: {} and the dtype {} of x",
            name(source.dtype()), source.shape().str(), index.shape().str(), name(x.dtype()));
  }
  Tensor y = x.clone();
  add_scattered(y, dim, index.to(x.device()).values(), source);
  return y;
}

Variable scatter_add(const Variable& x, int dim, const IndexTensor& index, const Variable& source) {
  const IndexTensor there = index.to(x.value().device());  // sent once, for forward and backward
  return record("scatter_add", {x, source}, raw::scatter_add(x.value(), dim, there, source.value()),
                [dim = normalize_dim("scatter_add", dim, x.value().rank()), at = there.values()](
                    const Tensor& dy, const Needs& needs) {
                  return Tensors{dy, needs[1] ? gathered(dy, dim, at) : Tensor()};
                });
}

}  // namespace lrurec::ops
