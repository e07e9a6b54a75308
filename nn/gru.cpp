#include "nn/gru.h"

#include <cmath>

#include "ops/ops.h"

namespace lrurec::nn {

GRU::GRU(std::int64_t in, std::int64_t hidden, Initializer& init) {
  const double sigma = 1 / std::sqrt(3.0 * static_cast<double>(hidden));
  const auto draw = [&](const Shape& shape) { return init.truncated_normal(shape, sigma); };
  input_weight = register_parameter("input_weight", draw({3 * hidden, in}));
  input_bias = register_parameter("input_bias", draw({3 * hidden}));
  recurrent_weight = register_parameter("recurrent_weight", draw({3 * hidden, hidden}));
  recurrent_bias = register_parameter("recurrent_bias", draw({hidden}));
}

GRU::Output GRU::forward_composed(const Variable& x, const IndexTensor& offsets,
                                  const Variable& initial) const {
  const auto [h, final_state] = ops::gru_composed(ops::linear(x, input_weight, input_bias), recurrent_weight,
                                                  recurrent_bias, offsets, initial);
  return {h, final_state};
}

GRU::Output GRU::forward(const Variable& x, const IndexTensor& offsets, const Variable& initial) const {
  const auto [h, final_state] =
      ops::gru(ops::linear(x, input_weight, input_bias), recurrent_weight, recurrent_bias, offsets, initial);
  return {h, final_state};
}

Tensor GRU::step(const Tensor& x, const Tensor& state) const {
  const Tensor g = ops::raw::linear(x, input_weight.value(), input_bias.value());
  const Tensor h =
      ops::raw::gru(g, recurrent_weight.value(), recurrent_bias.value(), offsets_of_steps(x.size(0)), state)
          .h;
  Tensor(state).copy_(h);
  return h;
}

}  // namespace lrurec::nn
