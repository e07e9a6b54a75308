#include "lrurec/model/bert4rec.h"

#include <algorithm>
#include <iterator>

#include "lrurec/model/models.h"
#include "ops/ops.h"
#include "tensor/error.h"

namespace lrurec::model {

const ModelInfo& BERT4Rec::about() {
  static const ModelInfo info{
      .name = "bert4rec",
      .title = "BERT4Rec",
      .what = "a bidirectional transformer that fills in hidden items",
      .paper = "Sun et al., CIKM 2019",
      .event_cost = "n H^2 + n^2 H",
      .examples = data::ExampleKind::cloze,
      .settings = {"hidden", "blocks", "heads", "positions_from", "dropout", "layer_norm_eps"},
      .example_settings = {"mask_share", "next_share", "train_heads"},
      // From the end, the mask of ranking has the last place, which every training sequence has too. The
      // model learns faster that way.
      .presets = {{"", {{"positions_from", "end"}}},
                  {"ml-1m", {{"next_share", "0.5"}}},
                  {"beauty", {{"mask_share", "0.6"}, {"dropout", "0.2"}}},
                  {"video", {{"mask_share", "0.5"}}},
                  {"sports", {{"mask_share", "0.5"}}}},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<BERT4Rec>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden), items = static_cast<double>(config.num_items);
            return (items + 2 + static_cast<double>(config.max_length)) * H + 2 * H +
                   static_cast<double>(config.blocks) * nn::TransformerBlock::parameters(H) + H * H + H +
                   items + 1;
          },
      .forward_flop =
          [](const ModelConfig& config, const Work& work) {
            const auto H = static_cast<double>(config.hidden);
            return static_cast<double>(config.blocks) *
                       nn::TransformerBlock::flop(H, work.tokens, work.token_pairs) +
                   2 * H * H * work.rows;
          }};
  return info;
}

BERT4Rec::BERT4Rec(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      encoder_(config.num_items + 2, config.max_length, nn::parse_places_from(config.positions_from),
               config.blocks,
               {config.hidden, config.heads, /*causal=*/false, config.dropout, config.layer_norm_eps,
                nn::DropoutPlaces::bert},
               init),
      transform_(config.hidden, config.hidden, init) {
  if (config.max_length < 2) {
    fail(ErrorKind::usage,
         "max_length = {} leaves BERT4Rec no item beside the mask; set --max-length to 2 or more",
         config.max_length);
  }
  register_module("", encoder_);
  register_module("transform", transform_);
  bias_ = register_parameter("bias", init.truncated_normal({config.num_items + 1}));
}

std::int64_t BERT4Rec::input_length(std::int64_t max_length) const {
  return std::min(max_length, config_.max_length) - 1;  // the mask takes a place
}

Variable BERT4Rec::item_matrix() const {
  return ops::slice(encoder_.item_vectors(), 0, 0, config_.num_items + 1);
}

Variable BERT4Rec::head(const Variable& h, const IndexTensor& tokens) const {
  return ops::gelu(transform_.forward(ops::embedding(h, tokens.to(device()))));
}

Variable BERT4Rec::training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  return head(encoder_.forward(batch.items, batch.offsets, context), batch.predicted_from);
}

Variable BERT4Rec::training_rows_composed(const data::BatchTensors& batch,
                                          const nn::ForwardContext& context) const {
  return head(encoder_.forward_composed(batch.items, batch.offsets, context), batch.predicted_from);
}

Variable BERT4Rec::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  const auto items = histories.items.host().to_vector<std::int64_t>(),
             at = histories.offsets.host().to_vector<std::int64_t>();
  std::vector<std::int64_t> masked, ends{0};
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    // An empty history arrives as a start token, which training never shows. It becomes the mask alone.
    std::copy_if(items.begin() + at[s], items.begin() + at[s + 1], std::back_inserter(masked),
                 [](std::int64_t item) { return item != 0; });
    masked.push_back(mask());
    ends.push_back(std::ssize(masked));
  }
  const IndexTensor offsets(Tensor::from(ends));
  return training_rows({Tensor::from(masked), offsets, {}, {}, last_tokens(offsets)}, {});
}

}  // namespace lrurec::model
