#include "lrurec/model/sasrec.h"

#include <algorithm>

#include "lrurec/model/models.h"
#include "ops/ops.h"

namespace lrurec::model {

const ModelInfo& SASRec::about() {
  static const ModelInfo info{
      .name = "sasrec",
      .title = "SASRec",
      .what = "a causal transformer over the items",
      .paper = "Kang and McAuley, ICDM 2018",
      .event_cost = "n H^2 + n^2 H",
      .examples = data::ExampleKind::windows,
      .settings = {"hidden", "blocks", "heads", "dropout", "layer_norm_eps"},
      .presets = {},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<SASRec>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden);
            const auto rows = static_cast<double>(config.num_items + 1 + config.max_length);
            return rows * H + 2 * H +
                   static_cast<double>(config.blocks) * nn::TransformerBlock::parameters(H);
          },
      .forward_flop =
          [](const ModelConfig& config, const Work& work) {
            return static_cast<double>(config.blocks) *
                   nn::TransformerBlock::flop(static_cast<double>(config.hidden), work.tokens,
                                              work.token_pairs / 2);
          }};
  return info;
}

SASRec::SASRec(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      embedding_(config.num_items + 1, config.hidden, init),
      positions_(config.max_length, config.hidden, init),
      embedding_norm_(config.hidden, config.layer_norm_eps, config.dropout, 0, init) {
  register_module("embedding", embedding_);
  register_module("positions", positions_);
  register_module("embedding_layer_norm", embedding_norm_);
  const nn::TransformerSizes sizes{config.hidden, config.heads, /*causal=*/true, config.dropout,
                                   config.layer_norm_eps};
  for (std::int64_t i = 0; i < config.blocks; ++i) {
    const auto site = 1 + static_cast<std::uint64_t>(i) * nn::TransformerBlock::dropout_sites;
    blocks_.push_back(std::make_unique<nn::TransformerBlock>(sizes, site, init));
    register_module("blocks." + std::to_string(i), *blocks_.back());
  }
}

std::int64_t SASRec::input_length(std::int64_t max_length) const {
  return std::min(max_length, config_.max_length);  // there are no more places
}

Variable SASRec::training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  const IndexTensor offsets = batch.offsets.to(device());
  Variable x = embedding_.forward(batch.items.to(device())) + positions_.forward(batch.offsets);
  x = embedding_norm_.forward(x, {}, context);
  for (const auto& block : blocks_) x = block->forward(x, offsets, context);
  return x;
}

Variable SASRec::training_rows_composed(const data::BatchTensors& batch,
                                        const nn::ForwardContext& context) const {
  Variable x = embedding_.forward(batch.items.to(device())) + positions_.forward(batch.offsets);
  x = embedding_norm_.forward_composed(x, {}, context);
  for (const auto& block : blocks_) x = block->forward_composed(x, batch.offsets, context);
  return x;
}

Variable SASRec::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  return ops::embedding(training_rows(histories, {}), last_tokens(histories.offsets));
}

}  // namespace lrurec::model
