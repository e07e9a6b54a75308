#include "ops/linear_cross_entropy/linear_cross_entropy.h"

#include "ops/cross_entropy/labels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/linear_cross_entropy/kernels.h"
#include "ops/matmul/bf16_products.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
Variable linear_cross_entropy(const Variable& x, const Variable& weight, const Variable& bias,
                              const IndexTensor& labels, std::int64_t chunk_tokens, HeadAlgorithm algorithm) {
  const bool fits = x.value().rank() == 2 && weight.value().rank() == 2 && x.size(1) == weight.size(1) &&
                    bias.shape() == Shape{weight.size(0)} && x.dtype() == weight.dtype() &&
                    x.dtype() == bias.dtype();
  if (!fits) {
    fail_op("linear_cross_entropy", "x: {} {}, weight: {} {}, bias: {} {} must be [tokens, H], [C, H], [C]",
            name(x.dtype()), x.shape().str(), name(weight.dtype()), weight.shape().str(), name(bias.dtype()),
            bias.shape().str());
  }
  const auto count = check_labels("linear_cross_entropy", labels, x.size(0), weight.size(0));
  const bool wanted = recording() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());

  const Device device = x.value().device();
  Tensor dx, dweight, dbias;
  if (wanted) {
    dx = Tensor::empty(x.shape(), x.dtype(), device);
    dweight = Tensor::empty(weight.shape(), x.dtype(), device);
    dbias = Tensor::empty(bias.shape(), x.dtype(), device);
  }
  Tensor loss = Tensor::empty({}, x.dtype(), device);
  const Tensor rows = x.value().contiguous(), w = weight.value().contiguous(), b = bias.value().contiguous(),
               dense_labels = labels.to(device).values();
  dispatch_real("linear_cross_entropy", x.dtype(), [&]<class T>() {
    const KernelCall call("linear_cross_entropy", device);
    kernels::LinearCrossEntropy<T> f{rows.size(0),
                                     rows.size(1),
                                     w.size(0),
                                     rows.data<T>(),
                                     w.data<T>(),
                                     b.data<T>(),
                                     dense_labels.data<std::int64_t>(),
                                     count,
                                     chunk_tokens,
                                     loss.data<T>()};
    f.algorithm = algorithm;
    f.bf16 = wanted && bf16_products();
    if (wanted) f.dx = dx.data<T>(), f.dweight = dweight.data<T>(), f.dbias = dbias.data<T>();
    on_device("linear_cross_entropy", device, [&](auto where) { kernels::linear_cross_entropy(where, f); });
  });

  // dx = dL P W, dW = dL P^T x, db = dL sum P
  return record("linear_cross_entropy", {x, weight, bias}, loss,
                [dx, dweight, dbias](const Tensor& dy, const Needs& needs) {
                  // Where backward() started from the loss, dL is 1. On a GPU, reading dL would wait for it.
                  const bool one = is_seed(dy);
                  const auto scaled = [&](const Tensor& g) { return one ? g : raw::mul(g, dy); };
                  return Tensors{needs[0] ? scaled(dx) : Tensor(), needs[1] ? scaled(dweight) : Tensor(),
                                 needs[2] ? scaled(dbias) : Tensor()};
                });
}

}  // namespace lrurec::ops
