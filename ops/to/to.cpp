#include "ops/to/to.h"

#include "ops/reduce/sum_to.h"
#include "tensor/error.h"

namespace lrurec::ops {

Variable to(const Variable& x, Device device) {
  return record("to", {x}, x.value().to(device),
                [from = x.value().device()](const Tensor& dy, const Needs&) { return Tensors{dy.to(from)}; });
}

Variable to(const Variable& x, DType dtype) {
  if (!is_inexact(dtype)) {
    fail_op("to", "no gradient comes back through {}; for the numbers alone: value().to(...)", name(dtype));
  }
  return record("to", {x}, x.value().to(dtype),
                [shape = x.shape(), from = x.dtype()](const Tensor& dy, const Needs&) {
                  return Tensors{raw::fit_gradient(dy, shape, from)};
                });
}

}  // namespace lrurec::ops
