#include <complex>
#include <span>

#include "exercise.h"

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
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (std::int64_t d = 0; d < D; ++d) {
      c128 g = 0;
      for (std::int64_t t = offsets[s + 1] - 1; t >= offsets[s]; --t) {
        g = dstates[t * D + d] + std::conj(l[d]) * g;
        to_x[t * D + d] = g;
        if (t > offsets[s]) to_lambda[d] += g * std::conj(states[(t - 1) * D + d]);
      }
    }
  }
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
