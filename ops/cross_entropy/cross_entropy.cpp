#include "ops/cross_entropy/cross_entropy.h"

#include "ops/cross_entropy/kernels.h"
#include "ops/cross_entropy/labels.h"
#include "ops/softmax/kernels.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {

std::int64_t check_labels(std::string_view op, const IndexTensor& labels, std::int64_t rows,
                          std::int64_t classes) {
  if (labels.dtype() != DType::i64 || labels.shape() != Shape{rows}) {
    fail_op(op, "labels: {} must be i64 [{}]", describe(labels), rows);
  }
  if (rows > 0 && labels.made_in(0, classes - 1)) return rows;
  std::int64_t count = 0;
  const auto values = labels.host().to_vector<std::int64_t>();
  for (std::size_t r = 0; r < values.size(); ++r) {
    if (values[r] < -1 || values[r] >= classes) {
      fail_op(op, "label {} of row {} is neither -1 nor in 0..{}", values[r], r, classes - 1);
    }
    count += values[r] >= 0 ? 1 : 0;
  }
  if (count == 0) fail_op(op, "none of {} rows has a label", rows);
  return count;
}

namespace {

struct Loss {
  Tensor x, labels, lse;  ///< dense; lse: [N, 2], a RowLogSum a row
  std::int64_t count = 0;
  Tensor value;
};

template <class T>
kernels::RowLogSum<T>* row_sums(const Tensor& lse) {
  static_assert(sizeof(kernels::RowLogSum<T>) == 2 * sizeof(T));
  return reinterpret_cast<kernels::RowLogSum<T>*>(lse.data<T>());
}

Loss forward(const Tensor& logits, const IndexTensor& labels) {
  if (logits.rank() != 2) fail_op("cross_entropy", "logits: {} must be [N, C]", logits.shape().str());
  Loss loss;
  loss.count = check_labels("cross_entropy", labels, logits.size(0), logits.size(1));
  loss.x = logits.contiguous();
  loss.labels = labels.to(logits.device()).values();
  loss.lse = Tensor::empty({logits.size(0), 2}, logits.dtype(), logits.device());
  loss.value = Tensor::empty({}, logits.dtype(), logits.device());
  dispatch_real("cross_entropy", logits.dtype(), [&]<class T>() {
    const auto rows = logits.size(0), columns = logits.size(1);
    on_device("cross_entropy", logits.device(), [&](auto where) {
      kernels::log_sum_exp<T>(where, rows, columns, loss.x.data<T>(), row_sums<T>(loss.lse));
      kernels::cross_entropy_mean<T>(where, rows, columns, loss.x.data<T>(), loss.labels.data<std::int64_t>(),
                                     row_sums<T>(loss.lse), loss.count, loss.value.data<T>());
    });
  });
  return loss;
}

}  // namespace

Tensor raw::cross_entropy(const Tensor& logits, const IndexTensor& labels) {
  return forward(logits, labels).value;
}

// dlogits = (softmax(logits) - onehot(labels)) dL / n
Variable cross_entropy(const Variable& logits, const IndexTensor& labels) {
  const Loss loss = forward(logits.value(), labels);
  return record(
      "cross_entropy", {logits}, loss.value,
      [x = loss.x, labels = loss.labels, lse = loss.lse, n = loss.count](const Tensor& dy, const Needs&) {
        Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
        dispatch_real("cross_entropy", x.dtype(), [&]<class T>() {
          on_device("cross_entropy", x.device(), [&](auto where) {
            kernels::cross_entropy_backward<T>(where, x.size(0), x.size(1), x.data<T>(),
                                               labels.data<std::int64_t>(), row_sums<T>(lse), dy.data<T>(), n,
                                               dx.data<T>());
          });
        });
        return Tensors{dx};
      });
}

}  // namespace lrurec::ops
