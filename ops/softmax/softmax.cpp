#include "ops/softmax/softmax.h"

#include "ops/shape/shape_ops.h"
#include "ops/softmax/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

template <class Kernel>
Tensor by_rows(std::string_view op, const Tensor& like, Kernel&& kernel) {
  Tensor out = Tensor::empty(like.shape(), like.dtype(), like.device());
  const auto columns = like.rank() == 0 ? 1 : like.size(-1);
  const auto rows = columns == 0 ? 0 : like.numel() / columns;
  dispatch_real(op, like.dtype(), [&]<class T>() {
    on_device(op, like.device(),
              [&](auto where) { kernel.template operator()<T>(where, rows, columns, out.data<T>()); });
  });
  return out;
}

Tensor softmax_last(const Tensor& input) {
  const Tensor x = input.contiguous();
  return by_rows("softmax", x, [&]<class T>(auto where, std::int64_t rows, std::int64_t columns, T* y) {
    kernels::softmax_forward<T>(where, rows, columns, x.data<T>(), y);
  });
}

Tensor log_softmax_last(const Tensor& input) {
  const Tensor x = input.contiguous();
  return by_rows("log_softmax", x, [&]<class T>(auto where, std::int64_t rows, std::int64_t columns, T* y) {
    kernels::log_softmax_forward<T>(where, rows, columns, x.data<T>(), y);
  });
}

// dx = y (dy - sum dy y)
Variable recorded_softmax(const Variable& x) {
  const Tensor y = softmax_last(x.value());
  return record("softmax", {x}, y, [y](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous();
    return Tensors{
        by_rows("softmax", y, [&]<class T>(auto where, std::int64_t rows, std::int64_t columns, T* dx) {
          kernels::softmax_backward<T>(where, rows, columns, dy.data<T>(), y.data<T>(), dx);
        })};
  });
}

// dx = dy - exp(y) sum dy
Variable recorded_log_softmax(const Variable& x) {
  const Tensor y = log_softmax_last(x.value());
  return record("log_softmax", {x}, y, [y](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous();
    return Tensors{
        by_rows("log_softmax", y, [&]<class T>(auto where, std::int64_t rows, std::int64_t columns, T* dx) {
          kernels::log_softmax_backward<T>(where, rows, columns, dy.data<T>(), y.data<T>(), dx);
        })};
  });
}

/// For a tensor without dimensions, 0 and -1 stand for its one element.
bool is_last(std::string_view op, int dim, int rank) {
  if (rank == 0 && (dim == 0 || dim == -1)) return true;
  return normalize_dim(op, dim, rank) == rank - 1;
}

}  // namespace

// Another dimension than the last is brought there and back.
Variable softmax(const Variable& x, int dim) {
  if (is_last("softmax", dim, x.value().rank())) return recorded_softmax(x);
  return transpose(recorded_softmax(transpose(x, dim, -1)), dim, -1);
}

Variable log_softmax(const Variable& x, int dim) {
  if (is_last("log_softmax", dim, x.value().rank())) return recorded_log_softmax(x);
  return transpose(recorded_log_softmax(transpose(x, dim, -1)), dim, -1);
}

Tensor raw::softmax(const Tensor& x, int dim) {
  check_defined("softmax", x);
  if (is_last("softmax", dim, x.rank())) return softmax_last(x);
  return softmax_last(x.transpose(dim, -1)).transpose(dim, -1);
}

Tensor raw::log_softmax(const Tensor& x, int dim) {
  check_defined("log_softmax", x);
  if (is_last("log_softmax", dim, x.rank())) return log_softmax_last(x);
  return log_softmax_last(x.transpose(dim, -1)).transpose(dim, -1);
}

}  // namespace lrurec::ops
