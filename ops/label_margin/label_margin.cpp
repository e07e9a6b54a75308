#include "ops/label_margin/label_margin.h"

#include <algorithm>

#include "ops/cross_entropy/labels.h"
#include "ops/elementwise/elementwise.h"
#include "ops/embedding/embedding.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/shape_ops.h"
#include "tensor/error.h"

namespace lrurec::ops {

Variable label_margin(const Variable& x, const Variable& weight, const Variable& bias,
                      const IndexTensor& labels) {
  const bool fits = x.value().rank() == 2 && weight.value().rank() == 2 && x.size(1) == weight.size(1) &&
                    bias.shape() == Shape{weight.size(0)} && is_real(x.dtype()) &&
                    x.dtype() == weight.dtype() && x.dtype() == bias.dtype();
  if (!fits) {
    fail_op("label_margin", "x: {}, weight: {}, bias: {} must be [tokens, H], [C, H], [C] of one real dtype",
            describe(x.value()), describe(weight.value()), describe(bias.value()));
  }
  const auto count = check_labels("label_margin", labels, x.size(0), weight.size(0));
  const auto margins = [&](const IndexTensor& ids) {  // (W[label] - mean W) . x + b[label] - mean b
    const Variable apart = embedding(weight, ids) - mean(weight, 0);
    const Variable biases = embedding(unsqueeze(bias, 1), ids) - mean(bias);
    return sum(x * apart, 1) + squeeze(biases, 1);
  };
  if (count == x.size(0)) return mean(margins(labels));

  auto ids = labels.host().to_vector<std::int64_t>();
  std::vector<double> shares;
  for (std::int64_t& id : ids) {
    shares.push_back(id < 0 ? 0 : 1 / static_cast<double>(count));
    id = std::max<std::int64_t>(id, 0);
  }
  const Device device = x.value().device();
  const Variable share(Tensor::from(shares).to(x.dtype()).to(device));
  return sum(share * margins(IndexTensor(Tensor::from(ids)).to(device)));
}

}  // namespace lrurec::ops
