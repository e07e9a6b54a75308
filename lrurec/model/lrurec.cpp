#include "lrurec/model/lrurec.h"

#include "lrurec/model/models.h"
#include "ops/ops.h"

namespace lrurec::model {
namespace {

nn::SublayerParts parts_of(const ModelConfig& config) {
  return {.norm = config.layer_norm, .residual = config.residual};
}

/// B x and h C of a token with real x and y, 4 H D each; the position-wise network H -> 4 H -> H, 16 H^2. Of
/// the last block all but B x is for the wanted rows alone. At H = 64, D = 128: 131 kflop a block.
double forward_flop(const ModelConfig& config, const Work& work) {
  const auto H = static_cast<double>(config.hidden), D = static_cast<double>(config.channels);
  const double inputs = 4 * H * D, rest = 4 * H * D + (config.pffn ? 16 * H * H : 0);
  const auto blocks = static_cast<double>(config.blocks);
  return work.tokens * (blocks * inputs + (blocks - 1) * rest) + work.rows * rest;
}

double real_parameters_of(const ModelConfig& config) {
  const auto H = static_cast<double>(config.hidden), D = static_cast<double>(config.channels);
  const double classes = static_cast<double>(config.num_items) + 1,
               layer_norm = config.layer_norm ? 2 * H : 0;
  const double lru = 3 * D + 2 * (D * H + D) + 2 * (H * D + H) + layer_norm;
  const double feed_forward = config.pffn ? 8 * H * H + 5 * H + layer_norm : 0;
  return classes * (H + 1) + layer_norm + static_cast<double>(config.blocks) * (lru + feed_forward);
}

}  // namespace

const ModelInfo& LRURec::about() {
  static const ModelInfo info{
      .name = "lrurec",
      .title = "LRURec",
      .what = "linear recurrent units with position-wise networks, trained in parallel",
      .paper = "Yue et al., WSDM 2024",
      .has_state = true,
      .event_cost = "H D + H^2",
      .examples = data::ExampleKind::windows,
      .settings = {"hidden", "channels", "blocks", "dropout", "lru_dropout", "layer_norm_eps", "outer_gelu",
                   "layer_norm", "residual", "pffn"},
      .presets = {},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<LRURec>(config, init);
      },
      .real_parameters = real_parameters_of,
      .forward_flop = forward_flop};
  return info;
}

LruBlock::LruBlock(const ModelConfig& config, std::uint64_t site, nn::Initializer& init)
    : lru_(config.hidden, config.channels, init),
      lru_norm_(config.hidden, config.layer_norm_eps,
                config.lru_dropout < 0 ? config.dropout : config.lru_dropout, site, init, parts_of(config)),
      outer_gelu_(config.outer_gelu) {
  register_module("lru", lru_);
  register_module("lru_layer_norm", lru_norm_);
  if (!config.pffn) return;
  feed_forward_.emplace(config.hidden, 4 * config.hidden, config.dropout, site + 1, init);
  feed_forward_norm_.emplace(config.hidden, config.layer_norm_eps, config.dropout, site + 2, init,
                             parts_of(config));
  register_module("feed_forward", *feed_forward_);
  register_module("feed_forward_layer_norm", *feed_forward_norm_);
}

LruBlock::Output LruBlock::forward_composed(const Variable& x, const IndexTensor& offsets,
                                            const Variable& initial,
                                            const nn::ForwardContext& context) const {
  const auto [recurrent, final_state] = lru_.forward_composed(x, offsets, initial);
  const Variable y = lru_norm_.forward_composed(recurrent, x, context);
  if (!feed_forward_) return {y, final_state};
  Variable position_wise = feed_forward_->forward_composed(y, context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return {feed_forward_norm_->forward_composed(position_wise, y, context), final_state};
}

LruBlock::Output LruBlock::forward(const Variable& x, const IndexTensor& offsets, const Variable& initial,
                                   const nn::ForwardContext& context) const {
  const auto [recurrent, final_state] = lru_.forward(x, offsets, initial);
  return {position_wise_half(lru_norm_.forward(recurrent, x, context), context), final_state};
}

Variable LruBlock::forward_last(const Variable& x, const IndexTensor& offsets) const {
  const nn::ForwardContext context;
  const Variable x_last = ops::embedding(x, last_tokens(offsets));
  return position_wise_half(lru_norm_.forward(lru_.forward_last(x, offsets), x_last, context), context);
}

Variable LruBlock::position_wise_half(const Variable& y, const nn::ForwardContext& context) const {
  if (!feed_forward_) return y;
  Variable position_wise = feed_forward_->forward(y, context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return feed_forward_norm_->forward(position_wise, y, context);
}

void LruBlock::prepare_steps() {
  lru_.prepare_steps();
  if (feed_forward_) feed_forward_->prepare_steps();
}

Tensor LruBlock::step(const Tensor& x, const Tensor& state) const {
  const Tensor y = lru_norm_.step(lru_.step(x, state), x);
  if (!feed_forward_) return y;
  Tensor position_wise = feed_forward_->step(y);
  if (outer_gelu_) position_wise = ops::raw::gelu(position_wise);
  return feed_forward_norm_->step(position_wise, y);
}

LRURec::LRURec(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      embedding_(config.num_items + 1, config.hidden, init),
      embedding_norm_(config.hidden, config.layer_norm_eps, config.dropout, 0, init, parts_of(config)) {
  register_module("embedding", embedding_);
  register_module("embedding_layer_norm", embedding_norm_);
  for (std::int64_t i = 0; i < config.blocks; ++i) {
    const auto site = 1 + static_cast<std::uint64_t>(i) * LruBlock::dropout_sites;
    blocks_.push_back(std::make_unique<LruBlock>(config, site, init));
    register_module("blocks." + std::to_string(i), *blocks_.back());
  }
  bias_ = register_parameter("bias", init.truncated_normal({config.num_items + 1}));
}

Variable LRURec::embed(const IndexTensor& items, const nn::ForwardContext& context) const {
  return embedding_norm_.forward(embedding_.forward(items.to(device())), {}, context);
}

Variable LRURec::encode(const IndexTensor& items, const IndexTensor& offsets,
                        const nn::ForwardContext& context) const {
  Variable x = embed(items, context);
  const IndexTensor boundaries = offsets.to(device());
  for (const auto& block : blocks_) x = block->forward(x, boundaries, {}, context).x;
  return x;
}

Variable LRURec::encode_composed(const IndexTensor& items, const IndexTensor& offsets,
                                 const nn::ForwardContext& context) const {
  Variable x = embedding_norm_.forward_composed(embedding_.forward(items.to(device())), {}, context);
  const IndexTensor boundaries = offsets.to(device());
  for (const auto& block : blocks_) x = block->forward_composed(x, boundaries, {}, context).x;
  return x;
}

Variable LRURec::encode_last(const IndexTensor& items, const IndexTensor& offsets) const {
  const NoGrad no_grad;
  const nn::ForwardContext context;
  Variable x = embed(items, context);
  const IndexTensor boundaries = offsets.to(device());
  if (blocks_.empty()) return ops::embedding(x, last_tokens(boundaries));
  for (std::size_t i = 0; i + 1 < blocks_.size(); ++i) x = blocks_[i]->forward(x, boundaries, {}, context).x;
  return blocks_.back()->forward_last(x, boundaries);
}

void LRURec::prepare_steps() {
  for (auto& block : blocks_) block->prepare_steps();
}

Tensor LRURec::initial_state(const IndexTensor& users) const {
  return Tensor::zeros({config_.blocks, users.numel(), config_.channels}, complex_of(dtype()), device());
}

Tensor LRURec::step(const IndexTensor& items, const Tensor& state) const {
  Tensor x = embedding_norm_.step(embedding_.step(items.to(device())), {});
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    x = blocks_[b]->step(x, state.select(0, static_cast<std::int64_t>(b)));
  }
  return x;
}

std::string LRURec::problem() const {
  const double largest = max_abs_lambda();
  if (largest < 1) return {};  // false for a NaN
  return fmt::format("an eigenvalue has modulus {:.9g}, so the recurrence is not stable", largest);
}

std::vector<Tensor> LRURec::lambdas() const {
  const NoGrad no_grad;
  std::vector<Tensor> blocks;
  for (const auto& block : blocks_) blocks.push_back(block->lru().lambda_on_host());
  return blocks;
}

std::vector<Tensor> LRURec::recurrence_inputs(const IndexTensor& items, const IndexTensor& offsets) const {
  const NoGrad no_grad;
  Variable x = embed(items, {});
  const IndexTensor boundaries = offsets.to(device());
  std::vector<Tensor> inputs;
  for (const auto& block : blocks_) {
    inputs.push_back(block->lru().input(x).value());
    x = block->forward(x, boundaries, {}, {}).x;
  }
  return inputs;
}

}  // namespace lrurec::model
