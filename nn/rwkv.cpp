#include "nn/rwkv.h"

#include <cmath>

#include "ops/ops.h"

namespace lrurec::nn {

RwkvTimeMixing::RwkvTimeMixing(std::int64_t hidden, std::int64_t block, std::int64_t blocks,
                               Initializer& init) {
  const auto H = static_cast<double>(hidden), depth = static_cast<double>(block);
  const double from_0 = depth / std::max<double>(static_cast<double>(blocks) - 1, 1),
               to_0 = 1 - depth / static_cast<double>(blocks);
  const auto channels = [&](auto value) {
    return init.function({hidden}, [&](std::int64_t i) { return value(static_cast<double>(i)); });
  };
  mu_k_ =
      register_parameter("mu_k", channels([&](double i) { return std::pow(i / H, to_0); }), WeightDecay::no);
  mu_v_ = register_parameter("mu_v", channels([&](double i) { return std::pow(i / H, to_0) + 0.3 * from_0; }),
                             WeightDecay::no);
  mu_r_ = register_parameter("mu_r", channels([&](double i) { return std::pow(i / H, 0.5 * to_0); }),
                             WeightDecay::no);
  decay_ = register_parameter("decay", channels([&](double i) {
                                return -5 + 8 * std::pow(i / std::max(H - 1, 1.0), 0.7 + 1.3 * from_0);
                              }),
                              WeightDecay::no);
  bonus_ = register_parameter(
      "bonus", channels([&](double i) { return std::log(0.3) + 0.5 * (std::fmod(i + 1, 3) - 1); }),
      WeightDecay::no);
  const Shape square{hidden, hidden};
  W_k_ = register_parameter("key", init.constant(square, 0));
  W_v_ = register_parameter("value", init.orthogonal(square));
  W_r_ = register_parameter("receptance", init.constant(square, 0));
  W_o_ = register_parameter("output", init.constant(square, 0));
}

RwkvTimeMixing::Mixed RwkvTimeMixing::mixed(const Variable& x, const Variable& before) const {
  const Variable change = x - before;
  return {ops::linear(before + mu_k_ * change, W_k_), ops::linear(before + mu_v_ * change, W_v_),
          ops::linear(before + mu_r_ * change, W_r_)};
}

Variable RwkvTimeMixing::mix_composed(const Variable& x, const IndexTensor& offsets,
                                      const ForwardContext&) const {
  const auto [k, v, r] = mixed(x, ops::shift(x, offsets));
  return ops::linear(ops::sigmoid(r) * ops::wkv_composed(k, v, ops::exp(decay_), bonus_, offsets), W_o_);
}

Variable RwkvTimeMixing::mix(const Variable& x, const IndexTensor& offsets, const ForwardContext&) const {
  const auto [k, v, r] = mixed(x, ops::shift(x, offsets));
  return ops::linear(ops::sigmoid(r) * ops::wkv(k, v, ops::exp(decay_), bonus_, offsets), W_o_);
}

Tensor RwkvTimeMixing::initial_state(std::int64_t n) const {
  const Tensor& like = bonus_.value();
  const std::int64_t H = like.size(0);
  return ops::raw::concat({Tensor::zeros({n, H}, like.dtype(), like.device()),
                           ops::raw::wkv_state(n, H, like.dtype(), like.device())},
                          1);
}

Tensor RwkvTimeMixing::step(const Tensor& x, const Tensor& state) const {
  const NoGrad no_grad;
  const std::int64_t H = x.size(1);
  const Tensor before = state.slice(1, 0, H), carried = state.slice(1, H, 4 * H);
  const auto [k, v, r] = mixed(Variable(x), Variable(before.contiguous()));
  const auto [y, after] = ops::raw::wkv(k.value(), v.value(), ops::exp(decay_).value(), bonus_.value(),
                                        offsets_of_steps(x.size(0)), carried.contiguous());
  Tensor(before).copy_(x);
  Tensor(carried).copy_(after);
  return ops::linear(ops::sigmoid(r) * Variable(y), W_o_).value();
}

Tensor RwkvTimeMixing::eigenvalues() const {
  const NoGrad no_grad;
  const Variable w = ops::exp(Variable(decay_.value().host().to(DType::f64)));
  return ops::exp(-w).value().to(DType::c128);
}

}  // namespace lrurec::nn
