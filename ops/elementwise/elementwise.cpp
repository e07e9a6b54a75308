#include "ops/elementwise/elementwise.h"

#include <cmath>

#include "ops/elementwise/kernels.h"
#include "ops/elementwise/rows.h"
#include "ops/reduce/sum_to.h"
#include "tensor/dispatch.h"
#include "tensor/saved_tensor.h"

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
  check_defined(Row::name, x);
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

/// What a backward keeps of x or y: the values where its formula mentions them, else nothing. dy, which has
/// their shape and dtype, then takes their place and is not read.
template <bool mentioned>
struct Kept {
  explicit Kept(const Tensor& t) : saved(t) {}
  Tensor values(const Tensor&) const { return saved.tensor(); }
  SavedTensor saved;
};
template <>
struct Kept<false> {
  explicit Kept(const Tensor&) {}
  Tensor values(const Tensor& dy) const { return dy; }
};

template <class Row>
Variable unary(const Variable& x) {
  const Tensor y = unary_forward<Row>(x.value());
  return record(
      Row::name, {x}, y,
      [x = Kept<Row::needs_x>(x.value()), y = Kept<Row::needs_y>(y)](const Tensor& dy, const Needs&) {
        return Tensors{unary_backward<Row>(dy, x.values(dy), y.values(dy))};
      });
}

/// Both operands in the common dtype, stretched to the common shape.
struct Operands {
  Tensor a, b;
  Operands(std::string_view op, const Tensor& left, const Tensor& right) {
    check_defined(op, left);
    check_defined(op, right);
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

// An operand that the formula does not mention was kept without values: dy takes its place and is not read.
template <class Row>
Tensors binary_backward(const Tensor& dy, const SavedTensor& left, const SavedTensor& right,
                        const Needs& needs) {
  const auto operand = [&](const SavedTensor& saved) {
    return saved.has_values() ? saved.tensor().to(dy.dtype()).broadcast_to(dy.shape()) : dy;
  };
  const Tensor a = operand(left), b = operand(right);
  const StridedLoop<4> loop(dy.shape(),
                            {contiguous_strides(dy.shape()), dy.strides(), a.strides(), b.strides()});
  Tensors grads(2);
  dispatch_row<Row>(dy.dtype(), [&]<class T>() {
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
  const bool da = a.requires_grad(), db = b.requires_grad();
  return record(
      Row::name, {a, b}, y,
      [a = SavedTensor(a.value(), Row::keeps_a(da, db)), b = SavedTensor(b.value(), Row::keeps_b(da, db))](
          const Tensor& dy, const Needs& needs) { return binary_backward<Row>(dy, a, b, needs); });
}

}  // namespace

Tensor raw::scalar_like(double value, const Tensor& x) {
  DType dtype = real_of(x.dtype());
  if (!is_inexact(dtype)) {
    const bool whole = std::trunc(value) == value && -0x1p63 <= value && value < 0x1p63;
    const bool small = dtype == DType::i32 && -0x1p31 <= value && value < 0x1p31;
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
