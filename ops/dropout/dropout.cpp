#include "ops/dropout/dropout.h"

#include "ops/dropout/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

Tensor raw::dropout(const Tensor& input, double p, DropoutKey key) {
  if (!(p >= 0 && p <= 1)) fail_op("dropout", "p = {} is not in 0..1", p);
  if (p == 0) return input;
  if (p == 1) return Tensor::zeros(input.shape(), input.dtype(), input.device());
  const Tensor x = input.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  const DropoutMask mask(Philox(key.seed, key.stream), p);
  dispatch_inexact("dropout", x.dtype(), [&]<class T>() {
    on_device("dropout", x.device(),
              [&](auto where) { kernels::dropout<T>(where, x.numel(), x.data<T>(), mask, y.data<T>()); });
  });
  return y;
}

// dx = dropout(dy) with the same mask
Variable dropout(const Variable& x, double p, DropoutKey key) {
  return record("dropout", {x}, raw::dropout(x.value(), p, key),
                [p, key](const Tensor& dy, const Needs&) { return Tensors{raw::dropout(dy, p, key)}; });
}

}  // namespace lrurec::ops
