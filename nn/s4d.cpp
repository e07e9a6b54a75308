#include "nn/s4d.h"

#include <cmath>
#include <numbers>

#include "ops/ops.h"

namespace lrurec::nn {

S4D::S4D(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init)
    : output_(hidden, 2 * hidden, init), dropout_(dropout, dropout_site) {
  const Shape per_state{hidden, states};
  log_step_ =
      register_parameter("log_step", init.uniform({hidden}, std::log(0.001), std::log(0.1)), WeightDecay::no);
  log_decay_ = register_parameter("log_decay", init.constant(per_state, std::log(0.5)), WeightDecay::no);
  frequency_ = register_parameter(
      "frequency",
      init.function(per_state,
                    [](std::int64_t i) { return std::numbers::pi * static_cast<double>(i % states); }),
      WeightDecay::no);
  const double half = std::sqrt(0.5);  // of real and imaginary part, for E|C|^2 = 1
  C_ = register_parameter("C", init.truncated_normal_complex(per_state, half, 4 * half));
  D_ = register_parameter("D", init.truncated_normal({hidden}, 1, 4));
  register_module("output", output_);
}

S4D::Discrete S4D::discrete() const {
  const Variable step = ops::reshape(ops::exp(log_step_), {-1, 1});
  const Variable A = ops::complex(-ops::exp(log_decay_), frequency_);
  const Variable zero(Tensor::zeros({1}, frequency_.dtype(), frequency_.value().device()));
  const Variable lambda = ops::exp(A * ops::complex(step, step * zero));
  return {lambda, C_ * ((lambda + -1.0) / A)};
}

Variable S4D::gated(const Variable& y, const ForwardContext& context) const {
  const std::int64_t H = y.value().size(1);
  const Variable both = output_.forward(dropout_.forward(ops::gelu(y), context));
  return ops::slice(both, 1, 0, H) * ops::sigmoid(ops::slice(both, 1, H, 2 * H));
}

Variable S4D::mix_composed(const Variable& x, const IndexTensor& offsets,
                           const ForwardContext& context) const {
  const auto [lambda, c] = discrete();
  return gated(ops::diagonal_ssm_composed(x, lambda, c, offsets) + D_ * x, context);
}

Variable S4D::mix(const Variable& x, const IndexTensor& offsets, const ForwardContext& context) const {
  const auto [lambda, c] = discrete();
  return gated(ops::diagonal_ssm(x, lambda, c, offsets) + D_ * x, context);
}

Tensor S4D::initial_state(std::int64_t n) const {
  const Tensor& C = C_.value();
  return Tensor::zeros({n, C.numel()}, C.dtype(), C.device());
}

Tensor S4D::step(const Tensor& x, const Tensor& state) const {
  const NoGrad no_grad;
  const auto [lambda, c] = discrete();
  std::vector<std::int64_t> offsets;  // sequences of one token
  for (std::int64_t s = 0; s <= x.size(0); ++s) offsets.push_back(s);
  const auto [y, after] = ops::raw::diagonal_ssm(x, lambda.value(), c.value(), Tensor::from(offsets), state);
  Tensor(state).copy_(after);
  return gated(Variable(y) + D_ * Variable(x), {}).value();
}

}  // namespace lrurec::nn
