#include "lrurec/model/recurrent_block.h"

#include "lrurec/model/backbones.h"
#include "nn/gated_lru.h"
#include "ops/ops.h"

namespace lrurec::model {
namespace {

/// Dropout sites of a block; the embedding has site 0.
std::uint64_t first_site(std::int64_t block) { return 1 + 3 * static_cast<std::uint64_t>(block); }

}  // namespace

nn::SublayerParts sublayer_parts(const ModelConfig& config) {
  return {.norm = config.layer_norm, .residual = config.residual, .norm_first = config.norm_first};
}

RecurrentBlock::RecurrentBlock(const ModelConfig& config, std::int64_t index, nn::Initializer& init)
    : recurrence_(backbone(config.backbone).make(config, index, init)),
      recurrence_norm_(config.hidden, config.layer_norm_eps, recurrence_dropout(config), first_site(index),
                       init, sublayer_parts(config)),
      outer_gelu_(config.outer_gelu) {
  const std::int64_t H = config.hidden;
  register_module(config.backbone, *recurrence_);
  register_module(config.backbone + "_layer_norm", recurrence_norm_);
  if (config.pffn) {
    feed_forward_ = position_wise(config.network).make(config, first_site(index) + 1, init);
    feed_forward_norm_.emplace(H, config.layer_norm_eps, config.dropout, first_site(index) + 2, init,
                               sublayer_parts(config));
    register_module("feed_forward", *feed_forward_);
    register_module("feed_forward_layer_norm", *feed_forward_norm_);
  }
  if (!config.gates) return;
  register_module(config.backbone + "_gate", recurrence_gate_.emplace(H, H, init));
  if (config.pffn) register_module("feed_forward_gate", feed_forward_gate_.emplace(H, H, init));
}

const nn::LRU* RecurrentBlock::lru() const {
  if (const auto* gated = dynamic_cast<const nn::GatedLRU*>(recurrence_.get())) return &gated->lru();
  return dynamic_cast<const nn::LRU*>(recurrence_.get());
}

Variable RecurrentBlock::lru_input(const Variable& x, const IndexTensor& offsets) const {
  const auto* gated = dynamic_cast<const nn::GatedLRU*>(recurrence_.get());
  const Variable in = recurrence_norm_.input(x);
  return gated != nullptr ? gated->lru_input(in, offsets) : in;
}

Variable RecurrentBlock::gated(const std::optional<nn::Linear>& gate, const Variable& f, const Variable& x) {
  return gate ? ops::sigmoid(gate->forward(x)) * f : f;
}

// y = LN(dropout(LRU(x)) + x), out = LN(dropout(PFFN(y)) + y). By default input(x) is x and gated(_, f, _) is
// f. "+ x" and the dropout are in ResidualNorm::sum (nn/layers.cpp).
Variable RecurrentBlock::forward_composed(const Variable& x, const IndexTensor& offsets,
                                          const nn::ForwardContext& context) const {
  const Variable mixed = recurrence_->mix_composed(recurrence_norm_.input(x), offsets, context);
  const Variable y = recurrence_norm_.forward_composed(gated(recurrence_gate_, mixed, x), x, context);
  if (!feed_forward_) return y;
  Variable position_wise = feed_forward_->forward_composed(feed_forward_norm_->input(y), context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return feed_forward_norm_->forward_composed(gated(feed_forward_gate_, position_wise, y), y, context);
}

Variable RecurrentBlock::forward(const Variable& x, const IndexTensor& offsets,
                                 const nn::ForwardContext& context) const {
  const Variable mixed = recurrence_->mix(recurrence_norm_.input(x), offsets, context);
  return position_wise_half(recurrence_norm_.forward(gated(recurrence_gate_, mixed, x), x, context), context);
}

Variable RecurrentBlock::forward_last(const Variable& x, const IndexTensor& offsets) const {
  const Variable x_last = ops::embedding(x, nn::last_tokens(offsets));
  const Variable mixed =
      gated(recurrence_gate_, recurrence_->mix_last(recurrence_norm_.input(x), offsets), x_last);
  return position_wise_half(recurrence_norm_.forward(mixed, x_last, {}), {});
}

Variable RecurrentBlock::position_wise_half(const Variable& y, const nn::ForwardContext& context) const {
  if (!feed_forward_) return y;
  Variable position_wise = feed_forward_->forward(feed_forward_norm_->input(y), context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return feed_forward_norm_->forward(gated(feed_forward_gate_, position_wise, y), y, context);
}

void RecurrentBlock::prepare_steps() {
  recurrence_->prepare_steps();
  if (feed_forward_) feed_forward_->prepare_steps();
}

Tensor RecurrentBlock::step(const Tensor& x, const Tensor& state) const {
  const NoGrad no_grad;
  const auto with_gate = [](const std::optional<nn::Linear>& gate, const Tensor& f, const Tensor& in) {
    return gate ? gated(gate, Variable(f), Variable(in)).value() : f;
  };
  const Tensor mixed = recurrence_->step(recurrence_norm_.step_input(x), state);
  const Tensor y = recurrence_norm_.step(with_gate(recurrence_gate_, mixed, x), x);
  if (!feed_forward_) return y;
  Tensor position_wise = feed_forward_->step(feed_forward_norm_->step_input(y));
  if (outer_gelu_) position_wise = ops::raw::gelu(position_wise);
  return feed_forward_norm_->step(with_gate(feed_forward_gate_, position_wise, y), y);
}

}  // namespace lrurec::model
