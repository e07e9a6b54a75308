#include "ops/where/where.h"

#include "ops/compare/compare.h"
#include "ops/elementwise/elementwise.h"
#include "ops/reduce/sum_to.h"
#include "ops/where/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

Tensor raw::where(const Tensor& condition, const Tensor& left, const Tensor& right) {
  if (condition.dtype() != DType::boolean) {
    fail_op("where", "the condition must be boolean, not {}", name(condition.dtype()));
  }
  const DType dtype = promote(left.dtype(), right.dtype());
  const Shape shape =
      broadcast_shapes("where", broadcast_shapes("where", left.shape(), right.shape()), condition.shape());
  const Tensor c = condition.broadcast_to(shape), a = left.to(dtype).broadcast_to(shape),
               b = right.to(dtype).broadcast_to(shape);
  Tensor y = Tensor::empty(shape, dtype, a.device());
  const StridedLoop<4> loop(shape, {y.strides(), c.strides(), a.strides(), b.strides()});
  dispatch_all("where", dtype, [&]<class T>() {
    on_device("where", y.device(), [&](auto device) {
      kernels::where<T>(device, loop, y.data<T>(), c.data<bool>(), a.data<T>(), b.data<T>());
    });
  });
  return y;
}
Tensor raw::where(const Tensor& condition, const Tensor& a, double b) {
  return raw::where(condition, a, raw::scalar_like(b, a));
}
Tensor raw::where(const Tensor& condition, double a, const Tensor& b) {
  return raw::where(condition, raw::scalar_like(a, b), b);
}

Variable where(const Tensor& condition, const Variable& a, const Variable& b) {
  return record("where", {a, b}, raw::where(condition, a.value(), b.value()),
                [condition, a_shape = a.shape(), a_dtype = a.dtype(), b_shape = b.shape(),
                 b_dtype = b.dtype()](const Tensor& dy, const Needs& needs) {
                  Tensors grads(2);
                  if (needs[0]) grads[0] = raw::fit_gradient(raw::where(condition, dy, 0), a_shape, a_dtype);
                  if (needs[1]) grads[1] = raw::fit_gradient(raw::where(condition, 0, dy), b_shape, b_dtype);
                  return grads;
                });
}
Variable where(const Tensor& condition, const Variable& a, double b) {
  return where(condition, a, scalar_like(b, a));
}
Variable where(const Tensor& condition, double a, const Variable& b) {
  return where(condition, scalar_like(a, b), b);
}

namespace {

void check_mask(const Tensor& x, const Tensor& mask) {
  if (broadcast_shapes("masked_fill", x.shape(), mask.shape()) != x.shape()) {
    fail_op("masked_fill", "the mask {} does not stretch to x: {}", mask.shape().str(), x.shape().str());
  }
}

}  // namespace

Tensor raw::masked_fill(const Tensor& x, const Tensor& mask, double value) {
  check_mask(x, mask);
  return raw::where(mask, value, x);
}
Variable masked_fill(const Variable& x, const Tensor& mask, double value) {
  check_mask(x.value(), mask);
  return where(mask, value, x);
}

Tensor raw::clamp(const Tensor& x, double low, double high) {
  dispatch_real("clamp", x.dtype(), []<class T>() {});  // or the error would name maximum
  return raw::minimum(raw::maximum(x, raw::scalar_like(low, x)), raw::scalar_like(high, x));
}

// dx = dy where low <= x <= high, else 0
Variable clamp(const Variable& x, double low, double high) {
  return record("clamp", {x}, raw::clamp(x.value(), low, high),
                [x = x.value(), low, high](const Tensor& dy, const Needs&) {
                  return Tensors{raw::where(raw::logical_and(x >= low, x <= high), dy, 0)};
                });
}

}  // namespace lrurec::ops
