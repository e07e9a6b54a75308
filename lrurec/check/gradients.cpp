#include "lrurec/check/gradients.h"

#include "lrurec/model/lrurec.h"
#include "tensor/random.h"

namespace lrurec::check {
namespace {

/// Weights large enough for every parameter to matter; the published initial values are so small that the
/// recurrence hardly reaches the loss.
void spread_weights(model::LRURec& model) {
  std::uint64_t stream = 0;
  for (auto& p : model.named_parameters()) {
    const Philox random(3, stream++);
    Tensor value = p.variable.value().clone();
    const Tensor parts = is_complex(value.dtype()) ? value.view_as_real() : value;
    for (std::int64_t i = 0; i < parts.numel(); ++i) {
      parts.data<double>()[i] += 0.3 * random.normal(static_cast<std::uint64_t>(i));
    }
    p.variable.set_value(value);
  }
}

}  // namespace

std::vector<ModelCase> check_model_gradients() {
  const Tensor items = Tensor::from(std::vector<std::int64_t>{0, 3, 1, 4, 0, 2, 5, 1, 3, 2, 4});
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{3, 1, 4, 5, 2, 5, 1, -1, 2, 4, 1});
  const Tensor offsets = Tensor::from(std::vector<std::int64_t>{0, 1, 4, 5, 8, 11});
  std::vector<ModelCase> cases;
  for (const bool outer_gelu : {false, true}) {
    for (const double dropout : {0.0, 0.3}) {
      for (const bool fused : {true, false}) {
        model::ModelConfig config{.num_items = 5,
                                  .hidden = 4,
                                  .channels = 6,
                                  .blocks = 2,
                                  .dropout = dropout,
                                  .layer_norm_eps = 1e-5,
                                  .outer_gelu = outer_gelu};
        model::LRURec model(config, 1, DType::f64);
        spread_weights(model);
        const nn::ForwardContext context{dropout > 0, 1, 7};
        Variables parameters;
        for (const auto& p : model.named_parameters()) parameters.push_back(p.variable);
        const auto loss = [&](const Variables&) {
          return Variables{fused ? model.loss(items, offsets, labels, context)
                                 : model.loss_composed(items, offsets, labels, context)};
        };
        const std::string name =
            fmt::format("LRURec ({}, dropout {}{})", fused ? "fused loss" : "composition", dropout,
                        outer_gelu ? ", outer GELU" : "");
        cases.push_back({name, gradcheck(name, loss, parameters)});
      }
    }
  }
  return cases;
}

}  // namespace lrurec::check
