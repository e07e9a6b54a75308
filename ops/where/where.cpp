#include "ops/where/where.h"

#include "ops/compare/compare.h"
#include "ops/elementwise/elementwise.h"
#include "ops/reduce/sum_to.h"
#include "ops/where/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

/// A number as a tensor that goes with x.
Tensor number_beside(double value, const Tensor& x) {
  const bool truth = x.dtype() == DType::boolean && (value == 0 || value == 1);
  return truth ? Tensor::full({}, value, DType::boolean, x.device()) : raw::scalar_like(value, x);
}

}  // namespace

Tensor raw::where(const Tensor& condition, const Tensor& left, const Tensor& right) {
  for (const Tensor* tensor : {&condition, &left, &right}) check_defined("where", *tensor);
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
  return raw::where(condition, a, number_beside(b, a));
}
Tensor raw::where(const Tensor& condition, double a, const Tensor& b) {
  return raw::where(condition, number_beside(a, b), b);
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
  return where(condition, a, Variable(number_beside(b, a.value())));
}
Variable where(const Tensor& condition, double a, const Variable& b) {
  return where(condition, Variable(number_beside(a, b.value())), b);
}

namespace {

/// The number that x takes where the mask holds, in the dtype of x.
Tensor filling(const Tensor& x, const Tensor& mask, double value) {
  check_defined("masked_fill", x);
  check_defined("masked_fill", mask);
  if (mask.dtype() != DType::boolean) {
    fail_op("masked_fill", "the mask must be boolean, not {}", name(mask.dtype()));
  }
  if (broadcast_shapes("masked_fill", x.shape(), mask.shape()) != x.shape()) {
    fail_op("masked_fill", "the mask {} does not stretch to x: {}", mask.shape().str(), x.shape().str());
  }
  const Tensor number = number_beside(value, x);
  if (promote(number.dtype(), x.dtype()) != x.dtype()) {
    fail_op("masked_fill", "{} is no number of {}: take x.to(dtype) of one that has it", value,
            name(x.dtype()));
  }
  return number;
}

}  // namespace

Tensor raw::masked_fill(const Tensor& x, const Tensor& mask, double value) {
  return raw::where(mask, filling(x, mask, value), x);
}
Variable masked_fill(const Variable& x, const Tensor& mask, double value) {
  return where(mask, Variable(filling(x.value(), mask, value)), x);
}

Tensor raw::clamp(const Tensor& x, double low, double high) {
  check_defined("clamp", x);
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
