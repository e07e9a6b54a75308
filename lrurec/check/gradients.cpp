#include "lrurec/check/gradients.h"

#include <algorithm>
#include <functional>

#include "lrurec/data/examples.h"
#include "lrurec/model/backbones.h"
#include "lrurec/model/models.h"
#include "tensor/random.h"

namespace lrurec::check {
namespace {

/// Weights large enough for every parameter to matter; the published initial values are so small that the
/// recurrence hardly reaches the loss.
void spread_weights(model::Model& model) {
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

/// Settings of a model that change what it computes.
struct Variant {
  std::string setting, name;
  std::function<void(model::ModelConfig&)> apply;
};

std::vector<Variant> variants_of(const model::ModelInfo& info) {
  std::vector<Variant> all{
      {"", "", [](auto&) {}},
      {"outer_gelu", ", outer GELU", [](auto& config) { config.outer_gelu = true; }},
      {"layer_norm", ", no layer norms", [](auto& config) { config.layer_norm = false; }},
      {"residual", ", no residuals", [](auto& config) { config.residual = false; }},
      {"pffn", ", no position-wise networks", [](auto& config) { config.pffn = false; }}};
  all.push_back({"gates", ", gates and SwiGLU", [](auto& config) {
                   config.gates = true;
                   config.network = "swiglu";
                 }});
  all.push_back({"norm_first", ", norms first", [](auto& config) { config.norm_first = true; }});
  all.push_back({"item_norm", ", items by their direction", [](auto& config) { config.item_norm = true; }});
  for (const auto& backbone : model::backbones()) {
    if (backbone.name == model::ModelConfig{}.backbone) continue;
    all.push_back({"backbone", ", " + backbone.name, [&](auto& config) {
                     config.backbone = backbone.name;
                     if (backbone.name.starts_with("s4")) config.blocks = 1;  // each has hundreds of numbers
                   }});
  }
  std::erase_if(all, [&](const Variant& variant) {
    return !variant.setting.empty() &&
           std::ranges::find(info.settings, variant.setting) == info.settings.end();
  });
  return all;
}

/// Three users of 4, 3 and 5 training items, and two held-out ones each.
data::Dataset tiny_data() {
  data::StringTable users, items;
  for (const char* name : {"a", "b", "c"}) users.add(name);
  for (const char* name : {"1", "2", "3", "4", "5"}) items.add(name);
  return {{0, 6, 11, 18}, {3, 1, 4, 5, 2, 1, 2, 5, 1, 4, 3, 4, 3, 2, 4, 1, 5, 3}, users, items, {}};
}

}  // namespace

std::vector<ModelCase> check_model_gradients(const std::string& only) {
  const data::Dataset data = tiny_data();
  std::vector<ModelCase> cases;
  for (const auto* info : model::models()) {
    if (info->title.find(only) == std::string::npos && info->name.find(only) == std::string::npos) continue;
    const data::ExampleOptions options{info->examples, /*max_length=*/4, /*mask_share=*/0.6,
                                       /*with_heads=*/true};
    const auto batch = data::to_tensors(
        data::pack_examples(data, data::training_examples(data, options), options, Philox(1, 1)), Device{});
    const auto has = [&](const char* setting) {
      return std::ranges::find(info->settings, setting) != info->settings.end();
    };
    for (const Variant& variant : variants_of(*info)) {
      for (const double dropout : {0.0, 0.3}) {
        for (const bool fused : {true, false}) {
          if (dropout > 0 && !has("dropout")) continue;
          model::ModelConfig config{.model = info->name,
                                    .num_items = data.items(),
                                    .num_users = data.users(),
                                    .max_length = options.max_length,
                                    .hidden = 4,
                                    .channels = 6,
                                    .blocks = 2,
                                    .heads = 2,
                                    .dropout = dropout,
                                    .final_dropout = dropout,
                                    .layer_norm_eps = 1e-5};
          if (dropout > 0) config.lru_dropout = 0.5;
          variant.apply(config);
          const auto model = model::make_model(config, 1, DType::f64);
          spread_weights(*model);
          const nn::ForwardContext context{dropout > 0, 1, 7};
          Variables parameters;
          for (const auto& p : model->named_parameters()) parameters.push_back(p.variable);
          const auto loss = [&](const Variables&) {
            return Variables{fused ? model->loss(batch, context) : model->loss_composed(batch, context)};
          };
          const std::string name = fmt::format("{} ({}, dropout {}{})", info->title,
                                               fused ? "fused loss" : "composition", dropout, variant.name);
          cases.push_back({name, gradcheck(name, loss, parameters)});
        }
      }
    }
  }
  return cases;
}

}  // namespace lrurec::check
