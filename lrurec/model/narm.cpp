#include "lrurec/model/narm.h"

#include "lrurec/model/models.h"
#include "ops/ops.h"

namespace lrurec::model {

const ModelInfo& NARM::about() {
  static const ModelInfo info{
      .name = "narm",
      .title = "NARM",
      .what = "a gated recurrent unit and attention from its last state to all",
      .paper = "Li et al., CIKM 2017",
      .event_cost = "H^2 + n H",
      .examples = data::ExampleKind::windows,
      .settings = {"hidden", "dropout", "final_dropout"},
      .presets = {{"", {{"dropout", "0.25"}, {"final_dropout", "0.5"}}},
                  {"beauty", {{"dropout", "0.5"}}},
                  {"demo", {{"max_steps", "1500"}}}},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<NARM>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden), D = 2 * H;
            return (static_cast<double>(config.num_items) + 1) * H + 3 * D * (H + D) + 4 * D + 2 * D * D + D +
                   2 * D * H;
          },
      .forward_flop =
          [](const ModelConfig& config, const Work& work) {
            const auto H = static_cast<double>(config.hidden), D = 2 * H;
            // The recurrence, A1 and A2; B; and a score and a sum for half the pairs of tokens.
            return work.tokens * (6 * D * (H + D) + 4 * D * D) + work.rows * 4 * D * H +
                   work.token_pairs / 2 * 4 * D;
          }};
  return info;
}

NARM::NARM(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      embedding_(config.num_items + 1, config.hidden, init),
      gru_(config.hidden, 2 * config.hidden, init),
      embedding_dropout_(config.dropout, 0),
      final_dropout_(config.final_dropout, 1) {
  const std::int64_t H = config.hidden, D = 2 * H;
  register_module("embedding", embedding_);
  register_module("gru", gru_);
  query_ = register_parameter("query", init.truncated_normal({D, D}));
  key_ = register_parameter("key", init.truncated_normal({D, D}));
  score_ = register_parameter("score", init.truncated_normal({D}));
  decoder_ = register_parameter("decoder", init.truncated_normal({H, 2 * D}));
}

Variable NARM::embed(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  return embedding_dropout_.forward(embedding_.forward(batch.items.to(device())), context);
}

Variable NARM::rows(const Variable& h, const Variable& c, const nn::ForwardContext& context) const {
  return ops::linear(final_dropout_.forward(ops::concat({h, c}, 1), context), decoder_);
}

Variable NARM::training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  const IndexTensor offsets = batch.offsets.to(device());
  const Variable h = gru_.forward(embed(batch, context), offsets).h;
  const Variable c =
      ops::additive_attention(ops::linear(h, query_), ops::linear(h, key_), score_, h, offsets);
  return rows(h, c, context);
}

Variable NARM::training_rows_composed(const data::BatchTensors& batch,
                                      const nn::ForwardContext& context) const {
  const Variable h = gru_.forward_composed(embed(batch, context), batch.offsets).h;
  const Variable c = ops::additive_attention_composed(ops::linear(h, query_), ops::linear(h, key_), score_, h,
                                                      batch.offsets);
  return rows(h, c, context);
}

// Attention from the last state alone: one prefix at a time, as published.
Variable NARM::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  const IndexTensor offsets = histories.offsets.to(device());
  const auto [h, last] = gru_.forward(embed(histories, {}), offsets);
  const Variable gates =
      ops::sigmoid(ops::segment_spread(ops::linear(last, query_), offsets) + ops::linear(h, key_));
  const Variable weights = ops::segment_softmax(ops::linear(gates, ops::reshape(score_, {1, -1})), offsets);
  return rows(last, ops::segment_sum(weights * h, offsets), {});
}

}  // namespace lrurec::model
