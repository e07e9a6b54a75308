#include "nn/state_space.h"

#include <cmath>

#include "ops/ops.h"

namespace lrurec::nn {

StateSpace::StateSpace(std::int64_t hidden, double dropout, std::uint64_t dropout_site, Initializer& init)
    : output_(hidden, 2 * hidden, init), dropout_(dropout, dropout_site) {
  log_step_ =
      register_parameter("log_step", init.uniform({hidden}, std::log(0.001), std::log(0.1)), WeightDecay::no);
  const double half = std::sqrt(0.5);  // of real and imaginary part, for E|C|^2 = 1
  C_ = register_parameter("C", init.truncated_normal_complex({hidden, states}, half, 4 * half));
  D_ = register_parameter("D", init.truncated_normal({hidden}, 1, 4));
  register_module("output", output_);
}

Variable StateSpace::step() const { return ops::reshape(ops::exp(log_step_), {-1, 1}); }

Variable StateSpace::gated(const Variable& y, const ForwardContext& context) const {
  const std::int64_t H = y.value().size(1);
  const Variable both = output_.forward(dropout_.forward(ops::gelu(y), context));
  return ops::slice(both, 1, 0, H) * ops::sigmoid(ops::slice(both, 1, H, 2 * H));
}

Variable StateSpace::mix_composed(const Variable& x, const IndexTensor& offsets,
                                  const ForwardContext& context) const {
  return gated(ssm_composed(x, offsets) + D_ * x, context);
}

Variable StateSpace::mix(const Variable& x, const IndexTensor& offsets, const ForwardContext& context) const {
  return gated(ssm(x, offsets) + D_ * x, context);
}

Tensor StateSpace::initial_state(std::int64_t n) const {
  const Tensor& C = C_.value();
  return Tensor::zeros({n, C.numel()}, C.dtype(), C.device());
}

Tensor StateSpace::step(const Tensor& x, const Tensor& state) const {
  const NoGrad no_grad;
  const Tensor y = ssm_step(x, offsets_of_steps(x.size(0)), state);
  return gated(Variable(y) + D_ * Variable(x), {}).value();
}

}  // namespace lrurec::nn
