#include "ops/shift/shift.h"

#include "ops/embedding/embedding.h"
#include "ops/linear_scan/offsets.h"
#include "ops/shape/shape_ops.h"
#include "tensor/dispatch.h"

namespace lrurec::ops {
namespace {

/// Row t is row t + by of x, or zeros where that is in another sequence.
Tensor moved(const Tensor& x, const IndexTensor& offsets, std::int64_t by) {
  const auto at = offsets.host().to_vector<std::int64_t>();
  std::vector<std::int64_t> from(static_cast<std::size_t>(x.size(0)), 0);  // row 0 is the zeros
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    for (std::int64_t t = std::max(at[s], at[s] - by); t < std::min(at[s + 1], at[s + 1] - by); ++t) {
      from[static_cast<std::size_t>(t)] = t + by + 1;
    }
  }
  const Tensor padded = raw::concat({Tensor::zeros({1, x.size(1)}, x.dtype(), x.device()), x}, 0);
  return raw::embedding(padded, IndexTensor(Tensor::from(from)).to(x.device()));
}

}  // namespace

// dx_t = dy_{t+1}
Variable shift(const Variable& x, const IndexTensor& offsets) {
  if (x.value().rank() != 2) fail_op("shift", "x: {} must be [tokens, H]", x.value().shape().str());
  dispatch_inexact("shift", x.dtype(), []<class T>() {});
  check_offsets("shift", offsets, x.value().size(0));
  return record("shift", {x}, moved(x.value(), offsets, -1), [offsets](const Tensor& dy, const Needs&) {
    return Tensors{moved(dy.contiguous(), offsets, 1)};
  });
}

}  // namespace lrurec::ops
