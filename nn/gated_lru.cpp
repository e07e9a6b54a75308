#include "nn/gated_lru.h"

#include "ops/ops.h"

namespace lrurec::nn {

GatedLRU::GatedLRU(std::int64_t hidden, std::int64_t channels, Initializer& init)
    : input_(hidden, expansion * hidden, init, WeightScale::fan_in),
      gate_(hidden, expansion * hidden, init, WeightScale::fan_in),
      output_(expansion * hidden, hidden, init, WeightScale::fan_in),
      lru_(expansion * hidden, channels, init, WeightScale::fan_in) {
  const std::int64_t E = expansion * hidden;
  register_module("input", input_);
  register_module("gate", gate_);
  register_module("output", output_);
  // The convolution begins as the identity.
  filter_ = register_parameter("filter",
                               init.function({taps, E}, [=](std::int64_t i) { return i < E ? 1.0 : 0.0; }));
  bias_ = register_parameter("filter_bias", init.constant({E}, 0));
  register_module("lru", lru_);
}

Variable GatedLRU::convolved(const Variables& rows) const {
  Variable sum = bias_;
  for (std::int64_t j = 0; j < taps; ++j) {
    sum = sum + rows[static_cast<std::size_t>(j)] * ops::slice(filter_, 0, j, j + 1);
  }
  return ops::silu(sum);
}

Variable GatedLRU::lru_input(const Variable& x, const IndexTensor& offsets) const {
  Variables rows{input_.forward(x)};
  while (std::ssize(rows) < taps) rows.push_back(ops::shift(rows.back(), offsets));
  return convolved(rows);
}

Variable GatedLRU::gated(const Variable& y, const Variable& x) const {
  return output_.forward(y * ops::silu(gate_.forward(x)));
}

Variable GatedLRU::mix_composed(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const {
  return gated(lru_.forward_composed(lru_input(x, offsets), offsets).y, x);
}

Variable GatedLRU::mix(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const {
  return gated(lru_.forward(lru_input(x, offsets), offsets).y, x);
}

Tensor GatedLRU::initial_state(std::int64_t n) const {
  const Tensor state = lru_.initial_state(n);
  return ops::raw::concat(
      {state, Tensor::zeros({n, (taps - 1) * filter_.value().size(1)}, state.dtype(), state.device())}, 1);
}

Tensor GatedLRU::step(const Tensor& x, const Tensor& state) const {
  const NoGrad no_grad;
  const std::int64_t E = filter_.value().size(1), D = state.size(1) - (taps - 1) * E;
  Variables rows{input_.forward(Variable(x))};
  for (std::int64_t j = 0; j + 1 < taps; ++j) {
    rows.push_back(ops::real(Variable(state.slice(1, D + j * E, D + (j + 1) * E).contiguous())));
  }
  const Tensor h = state.slice(1, 0, D).contiguous();
  const Tensor y = lru_.step(convolved(rows).value(), h);
  std::vector<Tensor> after{h};
  const Variable zero(Tensor::zeros(rows[0].value().shape(), x.dtype(), x.device()));
  for (std::int64_t j = 0; j + 1 < taps; ++j) {
    after.push_back(ops::complex(rows[static_cast<std::size_t>(j)], zero).value());
  }
  Tensor(state).copy_(ops::raw::concat(after, 1));
  return gated(Variable(y), Variable(x)).value();
}

}  // namespace lrurec::nn
