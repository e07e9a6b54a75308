// What the presets hold.

#include <map>

#include "lrurec/config/config.h"
#include "lrurec/model/models.h"
#include "lrurec/util/suggest.h"
#include "tensor/error.h"

namespace lrurec::config {
namespace {

// Section 5.1 and figure 4 of the paper; weight decay is 1e-2 unless a model's own preset says otherwise.
const std::map<std::string, TrainConfig>& presets() {
  const auto make = [](std::int64_t length, double dropout, std::int64_t validate_every,
                       std::int64_t batch = 128) {
    TrainConfig c;
    c.max_length = length;
    c.dropout = dropout;
    c.validate_every = validate_every;
    c.batch_size = batch;
    return c;
  };
  static const std::map<std::string, TrainConfig> all = [&] {
    std::map<std::string, TrainConfig> table{
        {"ml-1m", make(200, 0.2, 500)}, {"beauty", make(50, 0.6, 1000)},
        {"video", make(50, 0.6, 1000)}, {"sports", make(50, 0.6, 1000)},
        {"steam", make(50, 0.2, 2000)}, {"xlong", make(1000, 0.2, 2000, 32)}};
    // 2.1 million items. The paper trains with 100 negatives, which we read as 100 for each position, and
    // ranks among 10,000. Negatives that a batch shares make a step shorter, but an item is then a negative
    // once in thousands of steps and a label far more often: the training loss rises again after some hundred
    // steps (docs/results/xlong.md).
    TrainConfig& xlong = table.at("xlong");
    xlong.negatives = 100;
    xlong.negatives_shared = false;
    xlong.eval_negatives = 10000;
    // About a hundred thousand interactions, such as MovieLens-100K: minutes on two cores.
    TrainConfig small = make(100, 0.5, 100, 64);
    table.emplace("small", small);
    // The demonstration data are learnt within 400 steps; see docs/results.md.
    TrainConfig demo = make(50, 0.2, 100);
    demo.max_steps = 500;
    demo.learning_rate = 3e-3;
    demo.log_every = 20;
    table.emplace("demo", demo);
    for (auto& [name, config] : table) config.preset = name;
    return table;
  }();
  return all;
}

}  // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& [name, config] : presets()) names.push_back(name);
  return names;
}

TrainConfig preset(const std::string& name, const std::string& model) {
  const auto it = presets().find(name);
  if (it == presets().end()) {
    fail(ErrorKind::usage, "unknown preset '{}'{}", name, util::choices(name, preset_names()));
  }
  TrainConfig config = it->second;
  const model::ModelInfo& info = model::find_model(model);
  config.model = model;
  for (const std::string& which : {std::string(), name}) {
    const auto own = info.presets.find(which);
    if (own == info.presets.end()) continue;
    for (const auto& [key, text] : own->second) set(config, key, text, "the presets of " + model);
  }
  return config;
}

}  // namespace lrurec::config
