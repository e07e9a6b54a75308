#include "ops/cumsum/cumsum.h"

#include "ops/cumsum/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

Tensor raw::cumsum(const Tensor& x, int dim) {
  dim = normalize_dim("cumsum", dim, x.rank());
  const Tensor rows = x.transpose(dim, -1).contiguous();
  Tensor y = Tensor::empty(rows.shape(), x.dtype(), x.device());
  const std::int64_t columns = x.size(dim);
  dispatch_inexact("cumsum", x.dtype(), [&]<class T>() {
    on_device("cumsum", x.device(), [&](auto where) {
      if (y.numel() == 0) return;
      kernels::cumsum_rows<T>(where, y.numel() / columns, columns, rows.data<T>(), y.data<T>());
    });
  });
  return y.transpose(dim, -1);
}

Variable cumsum(const Variable& x, int dim) {
  return record("cumsum", {x}, raw::cumsum(x.value(), dim), [dim](const Tensor& dy, const Needs&) {
    return Tensors{raw::cumsum(dy.flip({dim}), dim).flip({dim})};
  });
}

}  // namespace lrurec::ops
