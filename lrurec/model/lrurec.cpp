#include "lrurec/model/lrurec.h"

#include <algorithm>

#include "ops/ops.h"

namespace lrurec::model {

LruBlock::LruBlock(const ModelConfig& config, std::uint64_t site, nn::Initializer& init)
    : lru_(config.hidden, config.channels, init),
      lru_norm_(config.hidden, config.layer_norm_eps, init),
      lru_dropout_(config.dropout, site),
      feed_forward_(config.hidden, 4 * config.hidden, config.dropout, site + 1, init),
      feed_forward_norm_(config.hidden, config.layer_norm_eps, init),
      feed_forward_dropout_(config.dropout, site + 2),
      outer_gelu_(config.outer_gelu) {
  register_module("lru", lru_);
  register_module("lru_layer_norm", lru_norm_);
  register_module("feed_forward", feed_forward_);
  register_module("feed_forward_layer_norm", feed_forward_norm_);
}

LruBlock::Output LruBlock::forward(const Variable& x, const Tensor& offsets, const Variable& initial,
                                   const nn::ForwardContext& context) const {
  const auto [recurrent, final_state] = lru_.forward(x, offsets, initial);
  const Variable y = lru_norm_.forward(lru_dropout_.forward(recurrent, context) + x);
  Variable position_wise = feed_forward_.forward(y, context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return {feed_forward_norm_.forward(feed_forward_dropout_.forward(position_wise, context) + y), final_state};
}

LRURec::LRURec(const ModelConfig& config, std::uint64_t seed, DType real)
    : LRURec(config, nn::Initializer(seed, real)) {}

LRURec::LRURec(const ModelConfig& config, nn::Initializer init)
    : config_(config),
      embedding_(config.num_items + 1, config.hidden, init),
      embedding_norm_(config.hidden, config.layer_norm_eps, init),
      embedding_dropout_(config.dropout, 0) {
  register_module("embedding", embedding_);
  register_module("embedding_layer_norm", embedding_norm_);
  for (std::int64_t i = 0; i < config.blocks; ++i) {
    const auto site = 1 + static_cast<std::uint64_t>(i) * LruBlock::dropout_sites;
    blocks_.push_back(std::make_unique<LruBlock>(config, site, init));
    register_module("blocks." + std::to_string(i), *blocks_.back());
  }
  bias_ = register_parameter("bias", init.truncated_normal({config.num_items + 1}));
}

Variable LRURec::encode(const Tensor& items, const Tensor& offsets, const nn::ForwardContext& context) const {
  Variable x = embedding_norm_.forward(embedding_dropout_.forward(embedding_.forward(items), context));
  for (const auto& block : blocks_) x = block->forward(x, offsets, {}, context).x;
  return x;
}

Variable LRURec::predict(const Variable& hidden) const {
  return ops::linear(hidden, embedding_.weight, bias_);
}

Variable LRURec::loss(const Tensor& items, const Tensor& offsets, const Tensor& labels,
                      const nn::ForwardContext& context) const {
  return ops::linear_cross_entropy(encode(items, offsets, context), embedding_.weight, bias_, labels);
}

Variable LRURec::loss_composed(const Tensor& items, const Tensor& offsets, const Tensor& labels,
                               const nn::ForwardContext& context) const {
  return ops::cross_entropy(predict(encode(items, offsets, context)), labels);
}

std::vector<double> LRURec::mean_abs_lambda() const {
  const NoGrad no_grad;
  std::vector<double> means;
  for (const auto& block : blocks_) {
    means.push_back(ops::mean(ops::abs(block->lru().lambda())).value().to(DType::f64).item<double>());
  }
  return means;
}

double LRURec::max_abs_lambda() const {
  const NoGrad no_grad;
  double largest = 0;
  for (const auto& block : blocks_) {
    largest =
        std::max(largest, ops::max(ops::abs(block->lru().lambda()), 0).value().to(DType::f64).item<double>());
  }
  return largest;
}

}  // namespace lrurec::model
