#include "ops/top_k/top_k.h"

#include "ops/top_k/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

raw::TopK raw::top_k(const Tensor& input, std::int64_t k) {
  if (input.rank() < 1 || k < 0 || k > input.size(-1)) {
    fail_op("top_k", "k = {} of x: {}: k must be in 0..n for x [..., n]", k, input.shape().str());
  }
  if (input.device().is_cuda() &&
      k > kernels::top_k_most_on_gpu) {  // nearly a sort: rare, and left to the CPU
    const TopK found = top_k(input.host(), k);
    return {found.indices.to(input.device()), found.values.to(input.device())};
  }
  const Tensor x = input.contiguous();
  const auto columns = x.size(-1);
  const auto rows = columns == 0 ? 0 : x.numel() / columns;
  Shape shape = x.shape();
  shape[shape.rank() - 1] = k;
  TopK result{Tensor::empty(shape, DType::i64, x.device()), Tensor::empty(shape, x.dtype(), x.device())};
  dispatch_real("top_k", x.dtype(), [&]<class T>() {
    on_device("top_k", x.device(), [&](auto where) {
      kernels::top_k(where, rows, columns, k, x.data<T>(), result.indices.data<std::int64_t>(),
                     result.values.data<T>());
    });
  });
  return result;
}

// dx[indices] = dvalues, 0 elsewhere
TopK top_k(const Variable& x, std::int64_t k) {
  const raw::TopK found = raw::top_k(x.value(), k);
  const Variable values =
      record("top_k", {x}, found.values,
             [indices = found.indices, shape = x.shape(), k](const Tensor& grad, const Needs&) {
               const Tensor dy = grad.contiguous();
               Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
               const auto columns = shape.at(-1);
               dispatch_real("top_k", dy.dtype(), [&]<class T>() {
                 on_device("top_k", dy.device(), [&](auto where) {
                   kernels::scatter_rows(where, columns == 0 ? 0 : shape.numel() / columns, columns, k,
                                         dy.data<T>(), indices.data<std::int64_t>(), dx.data<T>());
                 });
               });
               return Tensors{dx};
             });
  return {found.indices, values};
}

}  // namespace lrurec::ops
