// Exercise 1: the backward of the linear recurrence.
//
//   h_t = lambda h_{t-1} + x_t     within each sequence, from a state of 0
//
// lambda is complex [D], x and h complex [tokens, D]; sequence s is rows offsets[s] .. offsets[s+1]-1. The
// forward is below. Given dh, the gradient of the states as far as it comes from what uses them, write dx and
// dlambda (gradients are dL/dRe + i dL/dIm):
//
//   g_t = dh_t + conj(lambda) g_{t+1},   dx_t = g_t,   dlambda = sum_t g_t conj(h_{t-1})
//
// where g_{t+1} is 0 at the last row of a sequence and h_{t-1} is 0 at its first.
//
// Check it: tools/study.sh check 1

#include "exercise.h"

#include <complex>
#include <span>

namespace study {

using namespace lrurec;

namespace {

Tensors backward(const Tensor& lambda, const Tensor& h, const Tensor& dh, const Offsets& offsets) {
  const Tensor dlambda = Tensor::zeros(lambda.shape(), lambda.dtype());
  const Tensor dx = Tensor::zeros(h.shape(), h.dtype());
  const std::int64_t D = lambda.size(0);
  // Row-major: channel d of row t is [t * D + d].
  const auto numbers = [](const Tensor& t) {
    return std::span<c128>(t.data<c128>(), static_cast<std::size_t>(t.numel()));
  };
  const std::span<const c128> l = numbers(lambda), states = numbers(h), dstates = numbers(dh);
  const std::span<c128> to_lambda = numbers(dlambda), to_x = numbers(dx);
  // YOUR CODE: fill to_x [tokens, D] and to_lambda [D] from l, states and dstates
  return {dlambda, dx};
}

}  // namespace

Variable linear_scan(const Variable& lambda, const Variable& x, const Offsets& offsets) {
  const Tensor l = lambda.value().contiguous(), u = x.value().contiguous();
  const Tensor h = u.clone();
  const std::int64_t D = l.size(0);
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (std::int64_t t = offsets[s] + 1; t < offsets[s + 1]; ++t) {
      c128* row = h.data<c128>() + t * D;
      for (std::int64_t d = 0; d < D; ++d) row[d] += l.data<c128>()[d] * row[d - D];
    }
  }
  return record("linear_scan", {lambda, x}, h, [l, h, offsets](const Tensor& dh, const Needs&) {
    return backward(l, h, dh.contiguous(), offsets);
  });
}

}  // namespace study
