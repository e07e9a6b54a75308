#include "lrurec/model/fism.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "lrurec/model/models.h"
#include "ops/ops.h"

namespace lrurec::model {
namespace {

/// n^-alpha; 0 for an empty history.
double weight(double n, double alpha) { return n > 0 ? std::pow(n, -alpha) : 0; }

}  // namespace

const ModelInfo& FISM::about() {
  static const ModelInfo info{
      .name = "fism",
      .title = "FISM",
      .what = "the sum of the history's item vectors over n^alpha, in any order",
      .paper = "Kabbur et al., KDD 2013",
      .has_state = true,
      .event_cost = "H",
      .examples = data::ExampleKind::pairs,
      .settings = {"hidden", "alpha"},
      .presets = {},
      .make = [](const ModelConfig& config, const nn::Initializer& init) -> std::unique_ptr<Model> {
        return std::make_unique<FISM>(config, init);
      },
      .real_parameters =
          [](const ModelConfig& config) {
            const auto H = static_cast<double>(config.hidden);
            return (static_cast<double>(config.num_items) + 1) * (2 * H + 1);
          },
      .forward_flop = [](const ModelConfig& config,
                         const Work& work) { return work.tokens * static_cast<double>(config.hidden); }};
  return info;
}

FISM::FISM(const ModelConfig& config, nn::Initializer init)
    : Model(config),
      history_(config.num_items + 1, config.hidden, init),
      items_(config.num_items + 1, config.hidden, init) {
  register_module("history", history_);
  register_module("items", items_);
  bias_ = register_parameter("bias", init.constant({config.num_items + 1}, 0));
}

std::int64_t FISM::input_length(std::int64_t) const { return INT64_MAX; }

Variable FISM::rows(const IndexTensor& items, const IndexTensor& offsets) const {
  const auto at = offsets.host().to_vector<std::int64_t>();
  std::vector<double> weights;
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    weights.push_back(weight(static_cast<double>(at[s + 1] - at[s]), config_.alpha));
  }
  const Variable scale(Tensor::from(weights, {std::ssize(weights), 1}).to(dtype()).to(device()));
  return ops::segment_sum(history_.forward(items.to(device())), offsets) * scale;
}

Variable FISM::training_rows(const data::BatchTensors& batch, const nn::ForwardContext&) const {
  return rows(batch.items, batch.offsets);
}

Variable FISM::user_rows(const data::BatchTensors& histories) const {
  const NoGrad no_grad;
  // An empty history arrives as a start token, which training never shows. Its sum is empty.
  const auto all = histories.items.host().to_vector<std::int64_t>(),
             at = histories.offsets.host().to_vector<std::int64_t>();
  std::vector<std::int64_t> items, ends{0};
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    std::copy_if(all.begin() + at[s], all.begin() + at[s + 1], std::back_inserter(items),
                 [](std::int64_t item) { return item != 0; });
    ends.push_back(std::ssize(items));
  }
  return rows(Tensor::from(items), Tensor::from(ends));
}

Tensor FISM::initial_state(const IndexTensor& users) const {
  return Tensor::zeros({1, users.numel(), config_.hidden + 1}, dtype(), device());
}

Tensor FISM::step(const IndexTensor& items, const Tensor& state) const {
  const std::int64_t H = config_.hidden;
  Tensor sum = state.select(0, 0).slice(1, 0, H), count = state.select(0, 0).slice(1, H, H + 1);
  sum.copy_(ops::raw::add(sum, history_.step(items.to(device()))));
  count.copy_(ops::raw::add(count, Tensor::full({1}, 1, dtype(), device())));
  auto weights = count.to(DType::f64).host().contiguous().to_vector<double>();
  for (double& n : weights) n = weight(n, config_.alpha);
  return ops::raw::mul(sum, Tensor::from(weights, count.shape()).to(dtype()).to(device()));
}

}  // namespace lrurec::model
