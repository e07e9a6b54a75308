#include "ops/linear/linear.h"

#include "ops/matmul/matmul.h"
#include "ops/primitives/gemm.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/sum_to.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (x.rank() < 1 || weight.rank() != 2 || x.size(-1) != weight.size(1)) {
    fail_op("linear", "x: {} and weight: {}: x must be [..., in] and weight [out, in]", x.shape().str(),
            weight.shape().str());
  }
  if (bias.defined() && (bias.shape() != Shape{weight.size(0)} || bias.dtype() != weight.dtype())) {
    fail_op("linear", "bias: {} {} does not fit weight: {} {}", name(bias.dtype()), bias.shape().str(),
            name(weight.dtype()), weight.shape().str());
  }
  if (!is_inexact(x.dtype()) || (x.dtype() != weight.dtype() && complex_of(x.dtype()) != weight.dtype())) {
    fail_op("linear",
            "x of {} and weight of {}: they must be of one dtype, or x the real counterpart of a complex "
            "weight; convert one with to()",
            name(x.dtype()), name(weight.dtype()));
  }
}

/// x: [..., in] as [n, in], also where sizes are 0.
Tensor linear_rows(const Tensor& x) {
  Shape leading = x.shape();
  leading.erase(leading.rank() - 1);
  return x.reshape({leading.numel(), x.size(-1)});
}

}  // namespace

Tensor raw::linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check(input, weight, bias);
  const Tensor x = linear_rows(input.to(weight.dtype()));
  const Tensor w = weight.contiguous();
  const auto n = x.size(0), in = w.size(1), out = w.size(0);
  Tensor y = Tensor::empty({n, out}, w.dtype(), w.device());
  if (bias.defined()) y.copy_(bias);
  dispatch_inexact("linear", w.dtype(), [&]<class T>() {
    on_device("linear", w.device(), [&](auto where) {
      kernels::gemm<T>(where, Read::plain, Read::transpose, n, out, in, x.data<T>(), in, w.data<T>(), in,
                       bias.defined() ? T(1) : T(0), y.data<T>(), out);
    });
  });
  Shape shape = input.shape();
  shape[shape.rank() - 1] = out;
  return y.reshape(shape);
}

// dx = dy conj(W), dW = dy^T conj(x), db = sum dy
Variable linear(const Variable& x, const Variable& weight, const Variable& bias) {
  const Tensor b = bias.defined() ? bias.value() : Tensor();
  return record("linear", {x, weight, bias}, raw::linear(x.value(), weight.value(), b),
                [x = x.value(), w = weight.value()](const Tensor& dy, const Needs& needs) {
                  const Tensor dy2 = linear_rows(dy);
                  Tensors grads(3);
                  if (needs[0]) {
                    const Tensor dx = raw::matmul(dy2, w, false, true);
                    grads[0] = raw::fit_gradient(dx, {dy2.size(0), w.size(1)}, x.dtype()).reshape(x.shape());
                  }
                  if (needs[1]) {
                    grads[1] = raw::matmul(dy2.transpose(0, 1), linear_rows(x), false, true);
                  }
                  if (needs[2]) grads[2] = raw::sum(dy2, {0});
                  return grads;
                });
}

}  // namespace lrurec::ops
