#include "ops/embedding/embedding.h"

#include "ops/embedding/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

void check(const Tensor& weight, const IndexTensor& ids) {
  if (weight.rank() != 2 || ids.dtype() != DType::i64) {
    fail_op("embedding", "weight: {} must be [N, H] and ids: {} {} of dtype i64", weight.shape().str(),
            name(ids.dtype()), ids.shape().str());
  }
  if (ids.made_in(0, weight.size(0) - 1)) return;
  const Tensor flat = ids.host();
  const auto* id = flat.data<std::int64_t>();
  for (std::int64_t t = 0; t < flat.numel(); ++t) {
    if (id[t] < 0 || id[t] >= weight.size(0)) {
      fail_op("embedding", "id {} at position {} is not in 0..{}", id[t], t, weight.size(0) - 1);
    }
  }
}

}  // namespace

Tensor raw::embedding(const Tensor& weight, const IndexTensor& ids) {
  check(weight, ids);
  const Tensor table = weight.contiguous(), flat = ids.to(weight.device()).values();
  Shape shape = ids.shape();
  shape.push_back(weight.size(1));
  Tensor y = Tensor::empty(shape, weight.dtype(), weight.device());
  dispatch_inexact("embedding", weight.dtype(), [&]<class T>() {
    on_device("embedding", weight.device(), [&](auto where) {
      kernels::gather_rows(where, flat.numel(), weight.size(1), table.data<T>(), flat.data<std::int64_t>(),
                           y.data<T>());
    });
  });
  return y;
}

namespace {

/// total[ids[t]] += dy[t] for every t, in the order of t
void add_rows(const Tensor& dy, const Tensor& ids, Tensor& total) {
  const Tensor rows = dy.contiguous();
  dispatch_inexact("embedding", dy.dtype(), [&]<class T>() {
    on_device("embedding", dy.device(), [&](auto where) {
      kernels::scatter_add_rows(where, ids.numel(), total.size(1), total.size(0), rows.data<T>(),
                                ids.data<std::int64_t>(), total.data<T>());
    });
  });
}

}  // namespace

// dweight[i] = sum_{t: ids[t] = i} dy[t]
Variable embedding(const Variable& weight, const IndexTensor& ids) {
  const IndexTensor there = ids.to(weight.value().device());  // sent once, for forward and backward
  return record(
      "embedding", {weight}, raw::embedding(weight.value(), there),
      [shape = weight.shape(), at = there.values()](const Tensor& dy, const Needs&) {
        Tensor dweight = Tensor::zeros(shape, dy.dtype(), dy.device());
        add_rows(dy, at, dweight);
        return Tensors{dweight};
      },
      [at = there.values()](const Tensor& dy, Tensor& total) { add_rows(dy, at, total); });
}

}  // namespace lrurec::ops
