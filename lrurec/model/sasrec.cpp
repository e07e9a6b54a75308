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
      .settings = {"hidden", "blocks", "heads", "positions_from", "dropout", "layer_norm_eps"},
      .example_settings = {"train_heads"},
      // All its users have equally long histories. Counted from the start, the last places that ranking reads
      // would never be trained.
      .presets = {{"xlong", {{"positions_from", "end"}}}},
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
      encoder_(config.num_items + 1, config.max_length, nn::parse_places_from(config.positions_from),
               config.blocks,
               {config.hidden, config.heads, /*causal=*/true, config.dropout, config.layer_norm_eps}, init) {
  register_module("", encoder_);
}

std::int64_t SASRec::input_length(std::int64_t max_length) const {
  return std::min(max_length, config_.max_length);  // there are no more places
}

Variable SASRec::training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  return encoder_.forward(batch.items, batch.offsets, context);
}

Variable SASRec::training_rows_composed(const data::BatchTensors& batch,
                                        const nn::ForwardContext& context) const {
  return encoder_.forward_composed(batch.items, batch.offsets, context);
}

Variable SASRec::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  return ops::embedding(training_rows(histories, {}), last_tokens(histories.offsets));
}

}  // namespace lrurec::model
