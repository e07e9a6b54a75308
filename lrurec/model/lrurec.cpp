#include "lrurec/model/lrurec.h"

#include <algorithm>
#include <cmath>

#include "ops/ops.h"

namespace lrurec::model {
namespace {

/// The row of the last token of each sequence, i64 [S].
IndexTensor last_tokens(const IndexTensor& offsets) {
  auto rows = offsets.host().to_vector<std::int64_t>();
  rows.erase(rows.begin());
  for (auto& row : rows) --row;
  return IndexTensor(Tensor::from(rows)).to(offsets.device());
}

}  // namespace

LruBlock::LruBlock(const ModelConfig& config, std::uint64_t site, nn::Initializer& init)
    : lru_(config.hidden, config.channels, init),
      lru_norm_(config.hidden, config.layer_norm_eps, config.dropout, site, init),
      feed_forward_(config.hidden, 4 * config.hidden, config.dropout, site + 1, init),
      feed_forward_norm_(config.hidden, config.layer_norm_eps, config.dropout, site + 2, init),
      outer_gelu_(config.outer_gelu) {
  register_module("lru", lru_);
  register_module("lru_layer_norm", lru_norm_);
  register_module("feed_forward", feed_forward_);
  register_module("feed_forward_layer_norm", feed_forward_norm_);
}

LruBlock::Output LruBlock::forward_composed(const Variable& x, const IndexTensor& offsets,
                                            const Variable& initial,
                                            const nn::ForwardContext& context) const {
  const auto [recurrent, final_state] = lru_.forward_composed(x, offsets, initial);
  const Variable y = lru_norm_.forward_composed(recurrent, x, context);
  Variable position_wise = feed_forward_.forward_composed(y, context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return {feed_forward_norm_.forward_composed(position_wise, y, context), final_state};
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
  Variable position_wise = feed_forward_.forward(y, context);
  if (outer_gelu_) position_wise = ops::gelu(position_wise);
  return feed_forward_norm_.forward(position_wise, y, context);
}

void LruBlock::prepare_steps() {
  lru_.prepare_steps();
  feed_forward_.prepare_steps();
}

Tensor LruBlock::step(const Tensor& x, const Tensor& state) const {
  const Tensor y = lru_norm_.step(lru_.step(x, state), x);
  Tensor position_wise = feed_forward_.step(y);
  if (outer_gelu_) position_wise = ops::raw::gelu(position_wise);
  return feed_forward_norm_.step(position_wise, y);
}

LRURec::LRURec(const ModelConfig& config, std::uint64_t seed, DType real)
    : LRURec(config, nn::Initializer(seed, real)) {}

LRURec::LRURec(const ModelConfig& config, nn::Initializer init)
    : config_(config),
      embedding_(config.num_items + 1, config.hidden, init),
      embedding_norm_(config.hidden, config.layer_norm_eps, config.dropout, 0, init) {
  register_module("embedding", embedding_);
  register_module("embedding_layer_norm", embedding_norm_);
  for (std::int64_t i = 0; i < config.blocks; ++i) {
    const auto site = 1 + static_cast<std::uint64_t>(i) * LruBlock::dropout_sites;
    blocks_.push_back(std::make_unique<LruBlock>(config, site, init));
    register_module("blocks." + std::to_string(i), *blocks_.back());
  }
  bias_ = register_parameter("bias", init.truncated_normal({config.num_items + 1}));
}

std::unique_ptr<LRURec> LRURec::clone() const {
  std::unique_ptr<LRURec> copy(new LRURec(config_, nn::Initializer::without_values(dtype())));
  copy->copy_values(*this);
  return copy;
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

std::vector<Tensor> LRURec::block_inputs(const IndexTensor& items, const IndexTensor& offsets) const {
  const NoGrad no_grad;
  Variable x = embed(items, {});
  const IndexTensor boundaries = offsets.to(device());
  std::vector<Tensor> inputs;
  for (const auto& block : blocks_) {
    inputs.push_back(x.value());
    x = block->forward(x, boundaries, {}, {}).x;
  }
  return inputs;
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

Tensor LRURec::initial_state(std::int64_t n) const {
  return Tensor::zeros({config_.blocks, n, config_.channels}, complex_of(dtype()), device());
}

Tensor LRURec::step(const IndexTensor& items, const Tensor& state) const {
  Tensor x = embedding_norm_.step(embedding_.step(items.to(device())), {});
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    x = blocks_[b]->step(x, state.select(0, static_cast<std::int64_t>(b)));
  }
  return x;
}

Variable LRURec::predict(const Variable& hidden) const {
  return ops::linear(hidden, embedding_.weight, bias_);
}

ops::raw::LinearRanks LRURec::ranks(const Variable& hidden, const IndexTensor& targets,
                                    const ops::raw::ExcludedClasses& excluded, bool with_losses) const {
  return ops::raw::linear_ranks(hidden.value(), embedding_.weight.value(), bias_.value(), targets, excluded,
                                with_losses);
}

Variable LRURec::loss(const IndexTensor& items, const IndexTensor& offsets, const IndexTensor& labels,
                      const nn::ForwardContext& context) const {
  return ops::linear_cross_entropy(encode(items, offsets, context), embedding_.weight, bias_,
                                   labels.to(device()));
}

Variable LRURec::loss_composed(const IndexTensor& items, const IndexTensor& offsets,
                               const IndexTensor& labels, const nn::ForwardContext& context) const {
  return ops::cross_entropy(predict(encode_composed(items, offsets, context)), labels);
}

Variable LRURec::sampled_loss(const IndexTensor& items, const IndexTensor& offsets, const IndexTensor& labels,
                              const IndexTensor& negatives, bool log_correction,
                              const nn::ForwardContext& context) const {
  ops::SampledOptions options;
  if (log_correction && negatives.numel() > 0) {
    options.log_expected_count =
        std::log(static_cast<double>(negatives.size(-1)) / static_cast<double>(config_.num_items));
  }
  return ops::sampled_cross_entropy(encode(items, offsets, context), embedding_.weight, bias_, labels,
                                    negatives, options);
}

Tensor LRURec::score(const Tensor& hidden, const Tensor& candidates) const {
  const NoGrad no_grad;
  const std::int64_t n = candidates.size(0), k = candidates.size(1);
  const Tensor scores = Tensor::empty({n, k}, hidden.dtype(), hidden.device());
  const Tensor all = candidates.to(hidden.device());
  const Tensor bias = bias_.value().unsqueeze(1);
  // User by user: the rows of all candidates of all users would be large.
  for (std::int64_t u = 0; u < n; ++u) {
    const Tensor ids = all.select(0, u);
    const Tensor products = ops::raw::matmul(ops::raw::embedding(embedding_.weight.value(), ids),
                                             hidden.select(0, u).unsqueeze(1));
    scores.select(0, u).copy_(ops::raw::add(products, ops::raw::embedding(bias, ids)).squeeze(1));
  }
  return scores;
}

std::vector<Tensor> LRURec::lambdas() const {
  const NoGrad no_grad;
  std::vector<Tensor> blocks;
  for (const auto& block : blocks_) blocks.push_back(block->lru().lambda_on_host());
  return blocks;
}

std::vector<double> LRURec::mean_abs_lambda() const {
  const NoGrad no_grad;
  std::vector<double> means;
  for (const Tensor& lambda : lambdas()) {
    means.push_back(ops::mean(ops::abs(Variable(lambda))).value().to(DType::f64).item<double>());
  }
  return means;
}

double LRURec::max_abs_lambda() const {
  const NoGrad no_grad;
  double largest = 0;
  for (const Tensor& lambda : lambdas()) {
    largest =
        std::max(largest, ops::max(ops::abs(Variable(lambda)), 0).value().to(DType::f64).item<double>());
  }
  return largest;
}

}  // namespace lrurec::model
