#include "ops/elementwise/elementwise.h"

#include <cmath>

#include "ops/elementwise/kernels.h"
#include "ops/elementwise/rows.h"
#include "ops/reduce/sum_to.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

template <class Row, class F>
void dispatch_row(DType dtype, F&& f) {
  if constexpr (Row::complex) {
    dispatch_inexact(Row::name, dtype, f);
  } else {
    dispatch_real(Row::name, dtype, f);
  }
}

template <class Row>
Tensor unary_forward(const Tensor& x) {
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  const StridedLoop<2> loop(x.shape(), {y.strides(), x.strides()});
  dispatch_row<Row>(x.dtype(), [&]<class T>() {
    on_device(Row::name, x.device(),
              [&](auto where) { kernels::unary_forward<Row>(where, loop, y.data<T>(), x.data<T>()); });
  });
  return y;
}

// The one place of the rule dx = dy * conj(f'(x)).
template <class Row>
Tensor unary_backward(const Tensor& dy, const Tensor& x, const Tensor& y) {
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  const StridedLoop<4> loop(x.shape(), {dx.strides(), dy.strides(), x.strides(), y.strides()});
  dispatch_row<Row>(x.dtype(), [&]<class T>() {
    on_device(Row::name, x.device(), [&](auto where) {
      kernels::unary_backward<Row>(where, loop, dx.data<T>(), dy.data<T>(), x.data<T>(), y.data<T>());
    });
  });
  return dx;
}

/// What a backward keeps of a tensor: its values where its formula mentions them, else only shape and dtype.
Tensor saved(const Tensor& t, bool mentioned) {
  return mentioned ? t : Tensor::zeros({}, t.dtype(), t.device()).broadcast_to(t.shape());
}

template <class Row>
Variable unary(const Variable& x) {
  const Tensor y = unary_forward<Row>(x.value());
  if (!recording() || !x.requires_grad()) return record(Row::name, {x}, y, {});
  return record(Row::name, {x}, y,
                [x = saved(x.value(), Row::needs_x), y = saved(y, Row::needs_y)](
                    const Tensor& dy, const Needs&) { return Tensors{unary_backward<Row>(dy, x, y)}; });
}

/// Both operands in the common dtype, stretched to the common shape.
struct Operands {
  Tensor a, b;
  Operands(std::string_view op, const Tensor& left, const Tensor& right) {
    const DType dtype = promote(left.dtype(), right.dtype());
    const Shape shape = broadcast_shapes(op, left.shape(), right.shape());
    a = left.to(dtype).broadcast_to(shape);
    b = right.to(dtype).broadcast_to(shape);
  }
};

template <class Row>
Tensor binary_forward(const Tensor& left, const Tensor& right) {
  const auto [a, b] = Operands(Row::name, left, right);
  Tensor y = Tensor::empty(a.shape(), a.dtype(), a.device());
  const StridedLoop<3> loop(y.shape(), {y.strides(), a.strides(), b.strides()});
  dispatch_row<Row>(y.dtype(), [&, &a = a, &b = b]<class T>() {
    on_device(Row::name, y.device(), [&](auto where) {
      kernels::binary_forward<Row>(where, loop, y.data<T>(), a.data<T>(), b.data<T>());
    });
  });
  return y;
}

template <class Row>
Tensors binary_backward(const Tensor& dy, const Tensor& left, const Tensor& right, const Needs& needs) {
  const auto [a, b] = Operands(Row::name, left, right);
  const StridedLoop<4> loop(dy.shape(),
                            {contiguous_strides(dy.shape()), dy.strides(), a.strides(), b.strides()});
  Tensors grads(2);
  dispatch_row<Row>(dy.dtype(), [&, &a = a, &b = b]<class T>() {
    on_device(Row::name, dy.device(), [&](auto where) {
      if (needs[0]) {
        grads[0] = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
        kernels::binary_backward_a<Row>(where, loop, grads[0].data<T>(), dy.data<T>(), a.data<T>(),
                                        b.data<T>());
      }
      if (needs[1]) {
        grads[1] = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
        kernels::binary_backward_b<Row>(where, loop, grads[1].data<T>(), dy.data<T>(), a.data<T>(),
                                        b.data<T>());
      }
    });
  });
  if (needs[0]) grads[0] = raw::fit_gradient(grads[0], left.shape(), left.dtype());
  if (needs[1]) grads[1] = raw::fit_gradient(grads[1], right.shape(), right.dtype());
  return grads;
}

template <class Row>
Variable binary(const Variable& a, const Variable& b) {
  const Tensor y = binary_forward<Row>(a.value(), b.value());
  if (!recording() || !(a.requires_grad() || b.requires_grad())) return record(Row::name, {a, b}, y, {});
  return record(Row::name, {a, b}, y,
                [a = saved(a.value(), Row::needs_a), b = saved(b.value(), Row::needs_b)](
                    const Tensor& dy, const Needs& needs) { return binary_backward<Row>(dy, a, b, needs); });
}

}  // namespace

Tensor raw::scalar_like(double value, const Tensor& x) {
  DType dtype = real_of(x.dtype());
  if (!is_inexact(dtype)) {
    const bool whole = std::trunc(value) == value && std::abs(value) < 0x1p63;
    const bool small = dtype == DType::i32 && std::abs(value) < 0x1p31;
    dtype = small && whole ? DType::i32 : whole ? DType::i64 : DType::f64;
  }
  return Tensor::full(Shape{}, value, dtype, x.device());
}
Variable scalar_like(double value, const Variable& x) { return Variable(raw::scalar_like(value, x.value())); }

#define UNARY(NAME, KINDS, VALUES, F, DF)                                     \
  Variable NAME(const Variable& x) { return unary<formulas::NAME##_row>(x); } \
  Tensor raw::NAME(const Tensor& x) { return unary_forward<formulas::NAME##_row>(x); }
#include "ops/elementwise/unary.inc"

#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB)                                                     \
  Variable NAME(const Variable& a, const Variable& b) { return binary<formulas::NAME##_row>(a, b); } \
  Variable NAME(const Variable& a, double b) { return NAME(a, scalar_like(b, a)); }                  \
  Variable NAME(double a, const Variable& b) { return NAME(scalar_like(a, b), b); }                  \
  Tensor raw::NAME(const Tensor& a, const Tensor& b) { return binary_forward<formulas::NAME##_row>(a, b); }
#include "ops/elementwise/binary.inc"

}  // namespace lrurec::ops
