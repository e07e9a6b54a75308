#include "nn/layers.h"

#include "ops/ops.h"
#include "tensor/error.h"

namespace lrurec::nn {

Linear::Linear(std::int64_t in, std::int64_t out, Initializer& init, WeightScale scale, Bias with_bias)
    : weight(register_parameter("weight", init.weights(out, in, scale))) {
  if (with_bias == Bias::yes) bias = register_parameter("bias", init.truncated_normal({out}));
}

Variable Linear::forward(const Variable& x) const { return ops::linear(x, weight, bias); }

ComplexLinear::ComplexLinear(std::int64_t in, std::int64_t out, Initializer& init, WeightScale scale,
                             Bias with_bias)
    : weight(register_parameter("weight", init.weights_complex(out, in, scale))) {
  if (with_bias == Bias::yes) bias = register_parameter("bias", init.truncated_normal_complex({out}));
}

Variable ComplexLinear::forward(const Variable& x) const { return ops::linear(x, weight, bias); }

Embedding::Embedding(std::int64_t rows, std::int64_t width, Initializer& init)
    : weight(register_parameter("weight", init.truncated_normal({rows, width}))) {}

Variable Embedding::forward(const IndexTensor& ids) const { return ops::embedding(weight, ids); }

Tensor Embedding::step(const IndexTensor& ids) const { return ops::raw::embedding(weight.value(), ids); }

LayerNorm::LayerNorm(std::int64_t width, double eps, Initializer& init)
    : weight(register_parameter("weight", init.constant({width}, 1), WeightDecay::no)),
      bias(register_parameter("bias", init.constant({width}, 0), WeightDecay::no)),
      eps_(eps) {}

Variable LayerNorm::forward(const Variable& x) const { return ops::layer_norm(x, weight, bias, eps_); }

RMSNorm::RMSNorm(std::int64_t width, double eps, Initializer& init, double begins)
    : weight(register_parameter("weight", init.constant({width}, begins), WeightDecay::no)), eps_(eps) {}

Variable RMSNorm::forward(const Variable& x) const { return ops::rms_norm(x, weight, eps_); }

Dropout::Dropout(double p, std::uint64_t site) : p_(p), site_(site) {
  if (site >= ForwardContext::most_sites) {
    fail_op("dropout", "site {} is not below {}: its mask would be that of another site and step", site,
            ForwardContext::most_sites);
  }
}

Variable Dropout::forward(const Variable& x, const ForwardContext& context) const {
  if (!context.training || p_ == 0) return x;
  return ops::dropout(x, p_, context.dropout_key(site_));
}

FeedForward::FeedForward(std::int64_t width, std::int64_t inner, double p, std::uint64_t dropout_site,
                         Initializer& init)
    : w_1_(width, inner, init), w_2_(inner, width, init), dropout_(p, dropout_site) {
  register_module("w_1", w_1_);
  register_module("w_2", w_2_);
}

Variable FeedForward::forward_composed(const Variable& x, const ForwardContext& context) const {
  return w_2_.forward(dropout_.forward(ops::gelu(w_1_.forward(x)), context));
}

Variable FeedForward::forward(const Variable& x, const ForwardContext& context) const {
  return ops::feed_forward(x, w_1_.weight, w_1_.bias, w_2_.weight, w_2_.bias, dropout_.p(context),
                           dropout_.key(context));
}

void FeedForward::prepare_steps() {
  packed_ = ops::raw::pack_feed_forward(w_1_.weight.value(), w_1_.bias.value(), w_2_.weight.value(),
                                        w_2_.bias.value());
  prepared_.note(*this);
}

Tensor FeedForward::step(const Tensor& x) const {
  prepared_.check("FeedForward::step");
  return ops::raw::feed_forward(x, packed_);
}

SwiGLU::SwiGLU(std::int64_t width, std::int64_t inner, double p, std::uint64_t dropout_site,
               Initializer& init)
    : w_1_(width, inner, init),
      w_2_(inner, width, init),
      w_3_(width, inner, init),
      dropout_(p, dropout_site) {
  register_module("w_1", w_1_);
  register_module("w_2", w_2_);
  register_module("w_3", w_3_);
}

Variable SwiGLU::forward_composed(const Variable& x, const ForwardContext& context) const {
  return w_2_.forward(dropout_.forward(ops::silu(w_1_.forward(x)) * w_3_.forward(x), context));
}

Tensor SwiGLU::step(const Tensor& x) const {
  const NoGrad no_grad;
  return forward_composed(Variable(x), {}).value();
}

ResidualNorm::ResidualNorm(std::int64_t width, double eps, double p, std::uint64_t dropout_site,
                           Initializer& init, SublayerParts parts)
    : residual_(parts.residual), norm_first_(parts.norm_first), eps_(eps), dropout_(p, dropout_site) {
  if (parts.norm) register_module("", norm_.emplace(width, eps, init));
}

Variable ResidualNorm::input(const Variable& x) const { return norm_ && norm_first_ ? norm_->forward(x) : x; }

Variable ResidualNorm::sum(const Variable& a, const Variable& x, const ForwardContext& context) const {
  const Variable dropped = dropout_.forward(a, context);
  return residual_ && x.defined() ? dropped + x : dropped;
}

Variable ResidualNorm::forward_composed(const Variable& a, const Variable& x,
                                        const ForwardContext& context) const {
  const LayerNorm* norm = norm_after();
  return norm != nullptr ? norm->forward(sum(a, x, context)) : sum(a, x, context);
}

Variable ResidualNorm::forward(const Variable& a, const Variable& x, const ForwardContext& context) const {
  const LayerNorm* norm = norm_after();
  if (norm == nullptr) return sum(a, x, context);
  return ops::residual_layer_norm(a, residual_ ? x : Variable(), norm->weight, norm->bias, eps_,
                                  dropout_.p(context), dropout_.key(context));
}

Tensor ResidualNorm::step_input(const Tensor& x) const {
  const NoGrad no_grad;
  return input(Variable(x)).value();
}

Tensor ResidualNorm::step(const Tensor& a, const Tensor& x) const {
  const Tensor residual = residual_ ? x : Tensor();
  if (const LayerNorm* norm = norm_after()) {
    return ops::raw::residual_layer_norm(a, residual, norm->weight.value(), norm->bias.value(), eps_);
  }
  return residual.defined() ? ops::raw::add(a, residual) : a;
}

}  // namespace lrurec::nn
