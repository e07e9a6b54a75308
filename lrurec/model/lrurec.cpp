#include "lrurec/model/lrurec.h"

#include "lrurec/model/backbones.h"
#include "lrurec/model/models.h"
#include "ops/ops.h"

namespace lrurec::model {
namespace {

/// Counts the recurrences and the position-wise networks (H -> 4 H -> H: 16 H^2). In the last block only what
/// enters the state is computed for all tokens, the rest for the wanted rows alone. With the LRU, H = 64 and
/// D = 128 a block takes 131 kflop a token.
double forward_flop(const ModelConfig& config, const Work& work) {
  const auto H = static_cast<double>(config.hidden), blocks = static_cast<double>(config.blocks);
  const auto [inputs, outputs] = backbone(config.backbone).flop(config);
  const double gates = config.gates ? (config.pffn ? 4 : 2) * H * H : 0;
  const double rest = outputs + (config.pffn ? 2 * position_wise(config.network).weights(config) : 0) + gates;
  return work.tokens * (blocks * inputs + (blocks - 1) * rest) + work.rows * rest;
}

/// Added to the mean square of a row of E, which is 3.1e-4 at first.
constexpr double item_norm_eps = 1e-8;

double real_parameters_of(const ModelConfig& config) {
  const auto H = static_cast<double>(config.hidden);
  const double classes = static_cast<double>(config.num_items) + 1,
               layer_norm = config.layer_norm ? 2 * H : 0;
  const double recurrence = backbone(config.backbone).real_parameters(config) + layer_norm;
  const auto& network = position_wise(config.network);
  const double feed_forward = config.pffn ? network.weights(config) + network.biases(config) + layer_norm : 0;
  const double gates = config.gates ? (config.pffn ? 2 : 1) * (H * H + H) : 0;
  return classes * (H + 1) + layer_norm * (config.norm_first ? 2 : 1) + (config.item_norm ? H : 0) +
         static_cast<double>(config.blocks) * (recurrence + feed_forward + gates);
}

}  // namespace

const char* unlike_the_papers(const ModelConfig& config) {
  return config.model != "lrurec"   ? "it is not LRURec"
         : config.backbone != "lru" ? "its backbone is not the LRU"
         : config.network != "gelu" ? "its position-wise network is not the published one"
         : config.gates             ? "its sublayers have gates"
         : config.norm_first        ? "its norms stand before the sublayers"
         : config.item_norm         ? "it scores by the direction of the items' vectors alone"
                                    : nullptr;
}

const ModelInfo& LRURec::about() {
  static const ModelInfo info{
      .name = "lrurec",
      .title = "LRURec",
      .what = "linear recurrent units with position-wise networks, trained in parallel",
      .paper = "Yue et al., WSDM 2024",
      .has_state = true,
      .event_cost = "H D + H^2",
      .examples = data::ExampleKind::windows,
      .settings = {"hidden", "channels", "blocks", "dropout", "lru_dropout", "ring_min", "ring_max",
                   "layer_norm_eps", "outer_gelu", "layer_norm", "residual", "pffn", "backbone", "network",
                   "gates", "norm_first", "item_norm"},
      .example_settings = {"train_heads"},
      .presets = {},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<LRURec>(config, init);
      },
      .real_parameters = real_parameters_of,
      .forward_flop = forward_flop,
      .has_own_products =
          [](const ModelConfig& config) {
            return config.backbone == "lru" && config.network == "gelu" && !config.gates;
          }};
  return info;
}

LRURec::LRURec(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      embedding_(config.num_items + 1, config.hidden, init),
      embedding_norm_(config.hidden, config.layer_norm_eps, config.dropout, 0, init,
                      {.norm = config.layer_norm}) {
  register_module("embedding", embedding_);
  register_module("embedding_layer_norm", embedding_norm_);
  register_module("blocks", blocks_);
  for (std::int64_t i = 0; i < config.blocks; ++i) blocks_.add(config, i, init);
  if (config.norm_first && config.layer_norm) {
    register_module("final_layer_norm", final_norm_.emplace(config.hidden, config.layer_norm_eps, init));
  }
  if (config.item_norm) {
    // Scores begin about as large as those of the rows of E themselves, of root mean square .0176.
    register_module("item_norm", item_norm_.emplace(config.hidden, item_norm_eps, init, /*begins=*/0.02));
  }
  bias_ = register_parameter("bias", init.truncated_normal({config.num_items + 1}));
}

Variable LRURec::embed(const IndexTensor& items, const nn::ForwardContext& context) const {
  return embedding_norm_.forward(embedding_.forward(items.to(device())), {}, context);
}

Variable LRURec::item_matrix() const {
  return item_norm_ ? item_norm_->forward(embedding_.weight) : embedding_.weight;
}

Variable LRURec::finished(const Variable& x) const { return final_norm_ ? final_norm_->forward(x) : x; }

Variable LRURec::encode(const IndexTensor& items, const IndexTensor& offsets,
                        const nn::ForwardContext& context) const {
  Variable x = embed(items, context);
  const IndexTensor boundaries = offsets.to(device());
  for (const auto& block : blocks_) x = block.forward(x, boundaries, context);
  return finished(x);
}

Variable LRURec::encode_composed(const IndexTensor& items, const IndexTensor& offsets,
                                 const nn::ForwardContext& context) const {
  Variable x = embedding_norm_.forward_composed(embedding_.forward(items.to(device())), {}, context);
  const IndexTensor boundaries = offsets.to(device());
  for (const auto& block : blocks_) x = block.forward_composed(x, boundaries, context);
  return finished(x);
}

Variable LRURec::encode_last(const IndexTensor& items, const IndexTensor& offsets) const {
  const NoGrad no_grad;
  const nn::ForwardContext context;
  Variable x = embed(items, context);
  const IndexTensor boundaries = offsets.to(device());
  if (blocks_.empty()) return finished(ops::embedding(x, last_tokens(boundaries)));
  for (std::size_t i = 0; i + 1 < blocks_.size(); ++i) x = blocks_[i].forward(x, boundaries, context);
  return finished(blocks_.back().forward_last(x, boundaries));
}

void LRURec::prepare_steps() {
  for (auto& block : blocks_) block.prepare_steps();
}

Tensor LRURec::initial_state(const IndexTensor& users) const {
  Tensors states;
  for (const auto& block : blocks_) states.push_back(block.initial_state(users.numel()).unsqueeze(0));
  return ops::raw::concat(states, 0);
}

Tensor LRURec::step(const IndexTensor& items, const Tensor& state) const {
  Tensor x = embedding_norm_.step(embedding_.step(items.to(device())), {});
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    x = blocks_[b].step(x, state.select(0, static_cast<std::int64_t>(b)));
  }
  const NoGrad no_grad;
  return finished(Variable(x)).value();
}

const LinearRecurrence* LRURec::recurrence() const {
  return !blocks_.empty() && blocks_[0].lru() == nullptr ? nullptr : this;
}

std::string LRURec::problem() const {
  if (recurrence() == nullptr) return {};
  const double largest = max_abs_lambda();
  if (largest < 1) return {};  // false for a NaN
  return fmt::format("an eigenvalue has modulus {:.9g}, so the recurrence is not stable", largest);
}

std::vector<Tensor> LRURec::eigenvalues() const {
  std::vector<Tensor> blocks;
  for (const auto& block : blocks_) {
    blocks.push_back(block.eigenvalues());
    if (!blocks.back().defined()) return {};
  }
  return blocks;
}

std::vector<Tensor> LRURec::lambdas() const {
  const NoGrad no_grad;
  std::vector<Tensor> blocks;
  for (const auto& block : blocks_) blocks.push_back(block.lru()->lambda_on_host());
  return blocks;
}

std::vector<Tensor> LRURec::gains() const {
  const NoGrad no_grad;
  std::vector<Tensor> blocks;
  for (const auto& block : blocks_) blocks.push_back(block.lru()->gains_on_host());
  return blocks;
}

std::vector<Tensor> LRURec::recurrence_inputs(const IndexTensor& items, const IndexTensor& offsets) const {
  const NoGrad no_grad;
  Variable x = embed(items, {});
  const IndexTensor boundaries = offsets.to(device());
  std::vector<Tensor> inputs;
  for (const auto& block : blocks_) {
    inputs.push_back(block.lru()->input(block.lru_input(x, boundaries)).value());
    x = block.forward(x, boundaries, {});
  }
  return inputs;
}

}  // namespace lrurec::model
