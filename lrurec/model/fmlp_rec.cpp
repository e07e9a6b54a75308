#include "lrurec/model/fmlp_rec.h"

#include <algorithm>

#include "lrurec/model/models.h"
#include "ops/ops.h"

namespace lrurec::model {

FilterBlock::FilterBlock(const ModelConfig& config, std::uint64_t site, nn::Initializer& init)
    : places_(config.max_length),
      filter_norm_(config.hidden, config.layer_norm_eps, config.dropout, site, init),
      feed_forward_(config.hidden, 4 * config.hidden, /*p=*/0, site, init),
      feed_forward_norm_(config.hidden, config.layer_norm_eps, config.dropout, site + 1, init) {
  filter_ =
      register_parameter("filter", init.truncated_normal_complex({config.max_length / 2 + 1, config.hidden}));
  register_module("filter_layer_norm", filter_norm_);
  register_module("feed_forward", feed_forward_);
  register_module("feed_forward_layer_norm", feed_forward_norm_);
}

Variable FilterBlock::filtered(const Variable& x, bool fused) const {
  const std::int64_t H = x.value().size(1);
  const Variable sequences = ops::reshape(x, {-1, places_, H});
  const Variable y =
      fused ? ops::spectral_filter(sequences, filter_) : ops::spectral_filter_composed(sequences, filter_);
  return ops::reshape(y, {-1, H});
}

Variable FilterBlock::wanted(const Variable& x, Places places) const {
  if (places == Places::all) return x;
  const std::int64_t H = x.value().size(1);
  return ops::reshape(ops::slice(ops::reshape(x, {-1, places_, H}), 1, places_ - 1, places_), {-1, H});
}

Variable FilterBlock::forward(const Variable& x, Places places, const nn::ForwardContext& context) const {
  const Variable y =
      filter_norm_.forward(wanted(filtered(x, /*fused=*/true), places), wanted(x, places), context);
  return feed_forward_norm_.forward(feed_forward_.forward(y, context), y, context);
}

Variable FilterBlock::forward_composed(const Variable& x, Places places,
                                       const nn::ForwardContext& context) const {
  const Variable y =
      filter_norm_.forward_composed(wanted(filtered(x, /*fused=*/false), places), wanted(x, places), context);
  return feed_forward_norm_.forward_composed(feed_forward_.forward_composed(y, context), y, context);
}

const ModelInfo& FMLPRec::about() {
  static const ModelInfo info{
      .name = "fmlp-rec",
      .title = "FMLP-Rec",
      .what = "learnt filters over the history, in the frequency domain",
      .paper = "Zhou et al., WWW 2022",
      .event_cost = "L H^2 + L log L H",
      .examples = data::ExampleKind::prefixes,
      .settings = {"hidden", "blocks", "dropout", "layer_norm_eps"},
      .presets = {{"", {{"dropout", "0.5"}, {"layer_norm_eps", "1e-12"}}}, {"ml-1m", {{"dropout", "0.2"}}}},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<FMLPRec>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden), L = static_cast<double>(config.max_length);
            const std::int64_t frequencies = config.max_length / 2 + 1;
            const double filter = 2 * static_cast<double>(frequencies) * H;
            return (static_cast<double>(config.num_items) + 1 + L) * H + 2 * H +
                   static_cast<double>(config.blocks) * (filter + 8 * H * H + 9 * H);
          },
      // Counts the position-wise networks: of all places, in the last block of the last place only. The
      // Fourier transforms are not counted.
      .forward_flop =
          [](const ModelConfig& config, const Work& work) {
            const auto H = static_cast<double>(config.hidden), L = static_cast<double>(config.max_length);
            return work.rows * 16 * H * H * (L * (static_cast<double>(config.blocks) - 1) + 1);
          }};
  return info;
}

FMLPRec::FMLPRec(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      embedding_(config.num_items + 1, config.hidden, init),
      positions_(config.max_length, config.hidden, init),
      embedding_norm_(config.hidden, config.layer_norm_eps, init),
      dropout_(config.dropout, 0) {
  register_module("embedding", embedding_);
  register_module("positions", positions_);
  register_module("embedding_layer_norm", embedding_norm_);
  register_module("blocks", blocks_);
  for (std::int64_t i = 0; i < config.blocks; ++i) {
    const auto site = 1 + static_cast<std::uint64_t>(i) * FilterBlock::dropout_sites;
    blocks_.add(config, site, init);
  }
}

std::int64_t FMLPRec::input_length(std::int64_t max_length) const {
  return std::min(max_length, config_.max_length);
}

Variable FMLPRec::embed(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  const std::int64_t L = config_.max_length;
  const auto items = batch.items.host().to_vector<std::int64_t>(),
             at = batch.offsets.host().to_vector<std::int64_t>();
  const auto S = std::ssize(at) - 1;
  std::vector<std::int64_t> places(static_cast<std::size_t>(S * L));
  for (std::int64_t s = 0; s < S; ++s) {
    const auto first = items.begin() + at[static_cast<std::size_t>(s)],
               last = items.begin() + at[static_cast<std::size_t>(s + 1)];
    if (last - first > L) {
      fail(ErrorKind::internal, "[fmlp-rec] sequence {} has {} items, more than the {} places", s,
           last - first, L);
    }
    std::copy(first, last, places.begin() + (s + 1) * L - (last - first));
  }
  const Variable x = embedding_.forward(IndexTensor(Tensor::from(places, {S, L})).to(device()));
  const Variable rows = ops::reshape(x + positions_.weight, {-1, config_.hidden});
  return dropout_.forward(embedding_norm_.forward(rows), context);
}

Variable FMLPRec::training_rows(const data::BatchTensors& batch, const nn::ForwardContext& context) const {
  Variable x = embed(batch, context);
  for (const auto& block : blocks_) {
    const bool last = &block == &blocks_.back();
    x = block.forward(x, last ? FilterBlock::Places::last : FilterBlock::Places::all, context);
  }
  return x;
}

Variable FMLPRec::training_rows_composed(const data::BatchTensors& batch,
                                         const nn::ForwardContext& context) const {
  Variable x = embed(batch, context);
  for (const auto& block : blocks_) {
    const bool last = &block == &blocks_.back();
    x = block.forward_composed(x, last ? FilterBlock::Places::last : FilterBlock::Places::all, context);
  }
  return x;
}

Variable FMLPRec::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  return training_rows(histories, {});
}

}  // namespace lrurec::model
