#include "nn/s4d.h"

#include <cmath>
#include <numbers>

#include "ops/ops.h"

namespace lrurec::nn {

S4D::S4D(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init)
    : StateSpace(hidden, dropout, dropout_site, init) {
  const Shape per_state{hidden, states};
  log_decay_ = register_parameter("log_decay", init.constant(per_state, std::log(0.5)), WeightDecay::no);
  frequency_ = register_parameter(
      "frequency",
      init.function(per_state,
                    [](std::int64_t i) { return std::numbers::pi * static_cast<double>(i % states); }),
      WeightDecay::no);
}

S4D::Discrete S4D::discrete() const {
  const Variable A = ops::complex(-ops::exp(log_decay_), frequency_);
  const Variable lambda = ops::exp(A * step());
  return {lambda, C_ * ((lambda + -1.0) / A)};
}

Variable S4D::ssm(const Variable& x, const IndexTensor& offsets) const {
  const auto [lambda, c] = discrete();
  return ops::diagonal_ssm(x, lambda, c, offsets);
}

Variable S4D::ssm_composed(const Variable& x, const IndexTensor& offsets) const {
  const auto [lambda, c] = discrete();
  return ops::diagonal_ssm_composed(x, lambda, c, offsets);
}

Tensor S4D::ssm_step(const Tensor& x, const IndexTensor& offsets, const Tensor& state) const {
  const auto [lambda, c] = discrete();
  const auto [y, after] = ops::raw::diagonal_ssm(x, lambda.value(), c.value(), offsets, state);
  Tensor(state).copy_(after);
  return y;
}

Tensor S4D::eigenvalues() const {
  const NoGrad no_grad;
  return discrete().lambda.value().host().to(DType::c128).reshape({-1});
}

}  // namespace lrurec::nn
