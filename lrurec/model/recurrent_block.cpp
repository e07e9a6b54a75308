#include "lrurec/model/recurrent_block.h"

#include "lrurec/model/backbones.h"
#include "ops/ops.h"

namespace lrurec::model {
namespace {

/// Dropout sites of a block; the embedding has site 0.
std::uint64_t first_site(std::int64_t block) { return 1 + 3 * static_cast<std::uint64_t>(block); }

}  // namespace

nn::SublayerParts sublayer_parts(const ModelConfig& config) {
  return {.norm = config.layer_norm, .residual = config.residual};
}

RecurrentBlock::RecurrentBlock(const ModelConfig& config, std::int64_t index, nn::Initializer& init)
    : recurrence_(backbone(config.backbone).make(config, index, init)),
      recurrence_norm_(config.hidden, config.layer_norm_eps, recurrence_dropout(config), first_site(index),
                       init, sublayer_parts(config)),
      outer_gelu_(config.outer_gelu) {
  register_module(config.backbone, *recurrence_);
  register_module(config.backbone + "_layer_norm", recurrence_norm_);
  if (!config.pffn) return;
  feed_forward_.emplace(config.hidden, 4 * config.hidden, config.dropout, first_site(index) + 1, init);
  feed_forward_norm_.emplace(config.hidden, config.layer_norm_eps, config.dropout, first_site(index) + 2,
                             init, sublayer_parts(config));
  register_module("feed_forward", *feed_forward_);
  register_module("feed_forward_layer_norm", *feed_forward_norm_);
}

Variable RecurrentBlock::forward_composed(const Variable& x, const IndexTensor& offsets,
                                          const nn::ForwardContext& context) const {
  const Variable y =
      recurrence_norm_.forward_composed(recurrence_->mix_composed(x, offsets, context), x, context);
  if (!feed_forward_) return y;
  Variable position_wise = feed_forward_->forward_composed(y, context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return feed_forward_norm_->forward_composed(position_wise, y, context);
}

Variable RecurrentBlock::forward(const Variable& x, const IndexTensor& offsets,
                                 const nn::ForwardContext& context) const {
  const Variable y = recurrence_norm_.forward(recurrence_->mix(x, offsets, context), x, context);
  return position_wise_half(y, context);
}

Variable RecurrentBlock::forward_last(const Variable& x, const IndexTensor& offsets) const {
  const Variable x_last = ops::embedding(x, nn::last_tokens(offsets));
  return position_wise_half(recurrence_norm_.forward(recurrence_->mix_last(x, offsets), x_last, {}), {});
}

Variable RecurrentBlock::position_wise_half(const Variable& y, const nn::ForwardContext& context) const {
  if (!feed_forward_) return y;
  Variable position_wise = feed_forward_->forward(y, context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return feed_forward_norm_->forward(position_wise, y, context);
}

void RecurrentBlock::prepare_steps() {
  recurrence_->prepare_steps();
  if (feed_forward_) feed_forward_->prepare_steps();
}

Tensor RecurrentBlock::step(const Tensor& x, const Tensor& state) const {
  const Tensor y = recurrence_norm_.step(recurrence_->step(x, state), x);
  if (!feed_forward_) return y;
  Tensor position_wise = feed_forward_->step(y);
  if (outer_gelu_) position_wise = ops::raw::gelu(position_wise);
  return feed_forward_norm_->step(position_wise, y);
}

}  // namespace lrurec::model
