#include "lrurec/model/gru4rec.h"

#include "lrurec/model/models.h"

namespace lrurec::model {

const ModelInfo& Gru4Rec::about() {
  static const ModelInfo info{
      .name = "gru4rec",
      .title = "GRU4Rec",
      .what = "a gated recurrent unit over the items",
      .paper = "Hidasi et al., ICLR 2016",
      .has_state = true,
      .event_cost = "H^2",
      .examples = data::ExampleKind::windows,
      .settings = {"hidden", "dropout"},
      .presets = {{"demo", {{"max_steps", "1500"}}}, {"beauty", {{"dropout", "0.4"}}}},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<Gru4Rec>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden);
            return (static_cast<double>(config.num_items) + 1) * (H + 1) + 6 * H * H + 4 * H;
          },
      .forward_flop =
          [](const ModelConfig& config, const Work& work) {
            const auto H = static_cast<double>(config.hidden);
            return work.tokens * 12 * H * H;  // W x and U h
          }};
  return info;
}

Gru4Rec::Gru4Rec(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      embedding_(config.num_items + 1, config.hidden, init),
      gru_(config.hidden, config.hidden, init),
      embedding_dropout_(config.dropout, 0),
      output_dropout_(config.dropout, 1) {
  register_module("embedding", embedding_);
  register_module("gru", gru_);
  bias_ = register_parameter("bias", init.truncated_normal({config.num_items + 1}));
}

Variable Gru4Rec::embed(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  return embedding_dropout_.forward(embedding_.forward(batch.items.to(device())), context);
}

Variable Gru4Rec::training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  const Variable h = gru_.forward(embed(batch, context), batch.offsets).h;
  return output_dropout_.forward(h, context);
}

Variable Gru4Rec::training_rows_composed(const data::BatchTensors& batch,
                                         const nn::ForwardContext& context) const {
  const Variable h = gru_.forward_composed(embed(batch, context), batch.offsets).h;
  return output_dropout_.forward(h, context);
}

Variable Gru4Rec::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  return gru_.forward(embed(histories, {}), histories.offsets).final_state;
}

Tensor Gru4Rec::initial_state(const IndexTensor& users) const {
  return Tensor::zeros({1, users.numel(), config_.hidden}, dtype(), device());
}

Tensor Gru4Rec::step(const IndexTensor& items, const Tensor& state) const {
  return gru_.step(embedding_.step(items.to(device())), state.select(0, 0));
}

}  // namespace lrurec::model
