// Every setting reaches what it is for.

#include <map>
#include <set>

#include "lrurec/train/stepper.h"
#include "tests/support/data.h"
#include "tests/support/tensors.h"
#include "tests/support/trained.h"

namespace lrurec::train {
namespace {

using config::TrainConfig;

using Assignments = std::vector<std::pair<const char*, const char*>>;

TrainConfig with(TrainConfig config, const Assignments& assignments) {
  for (const auto& [key, value] : assignments) {
    if (std::string(key) == "model") {
      config.model = value;
    } else {
      config::set(config, key, value, key);
    }
  }
  return config;
}

/// The weights after three steps, one list a parameter.
std::map<std::string, std::vector<double>> trained(const TrainConfig& config) {
  static const data::Dataset data = test::small_demo();
  Stepper stepper(config, data);
  for (int step = 0; step < 3; ++step) stepper.run(step);
  std::map<std::string, std::vector<double>> weights;
  for (const auto& p : stepper.model().named_parameters()) {
    const Tensor value = p.variable.value().contiguous();
    const Tensor real = is_complex(value.dtype()) ? value.view_as_real() : value;
    weights[p.name] = real.to(DType::f64).to_vector<double>();
  }
  return weights;
}

struct Effect {
  Assignments before;  ///< settings without which this one has no effect
  const char* value;
};

/// For each setting a value that changes the trained weights.
const std::map<std::string, Effect>& effects() {
  static const std::map<std::string, Effect> all{
      {"seed", {{}, "2"}},
      {"bf16", {{}, "true"}},
      {"hidden", {{}, "4"}},
      {"channels", {{}, "10"}},
      {"blocks", {{}, "1"}},
      {"heads", {{{"model", "sasrec"}}, "4"}},
      {"dropout", {{}, "0.4"}},
      {"lru_dropout", {{}, "0.4"}},
      {"ring_min", {{}, "0.1"}},
      {"ring_max", {{}, "0.9"}},
      {"final_dropout", {{{"model", "narm"}}, "0.9"}},
      {"layer_norm_eps", {{}, "0.1"}},
      {"outer_gelu", {{}, "true"}},
      {"backbone", {{}, "rwkv"}},
      {"layer_norm", {{}, "false"}},
      {"residual", {{}, "false"}},
      {"pffn", {{}, "false"}},
      {"network", {{}, "swiglu"}},
      {"gates", {{}, "true"}},
      {"norm_first", {{}, "true"}},
      {"item_norm", {{}, "true"}},
      {"positions_from", {{{"model", "sasrec"}, {"max_length", "20"}}, "end"}},
      {"mask_share", {{{"model", "bert4rec"}}, "0.7"}},
      {"next_share", {{{"model", "bert4rec"}}, "0.9"}},
      {"train_heads", {{{"max_length", "4"}, {"batch_size", "200"}}, "true"}},
      {"alpha", {{{"model", "fism"}}, "1"}},
      {"max_length", {{}, "3"}},
      {"batch_size", {{}, "7"}},
      {"learning_rate", {{}, "0.02"}},
      {"lr_schedule", {{}, "linear"}},
      {"warmup_steps", {{}, "2"}},
      {"lr_decay_steps", {{{"lr_schedule", "linear"}}, "5"}},
      {"lr_final_share", {{{"lr_schedule", "linear"}}, "0.5"}},
      {"weight_decay", {{}, "5"}},
      {"beta1", {{}, "0.5"}},
      {"beta2", {{}, "0.5"}},
      {"adam_eps", {{}, "0.1"}},
      {"clip_norm", {{{"adam_eps", "0.1"}}, "0.01"}},
      {"label_smoothing", {{}, "0.5"}},
      {"negatives", {{}, "4"}},
      {"negatives_shared", {{{"negatives", "4"}, {"negatives_shared", "false"}}, "true"}},
      {"log_correction", {{{"negatives", "4"}, {"log_correction", "false"}}, "true"}},
  };
  return all;
}

/// Settings of where, how long or how often; they have tests of their own.
const std::set<std::string>& without_effect_on_a_step() {
  static const std::set<std::string> all{"preset",    "model",          "threads",        "deterministic",
                                         "device",    "tf32",           "average",        "max_epochs",
                                         "max_steps", "validate_every", "validate_users", "eval_negatives",
                                         "mask",      "patience",       "log_every"};
  return all;
}

TrainConfig three_steps() {
  TrainConfig config = test::tiny_config();
  config.max_steps = 3;
  config.dropout = 0.1;
  config.learning_rate = 1e-2;
  return config;
}

TEST(Settings, EachChangesWhatIsTrained) {
  for (const auto& setting : config::settings()) {
    const std::string& key = setting.key;
    const auto effect = effects().find(key);
    ASSERT_NE(effect != effects().end(), without_effect_on_a_step().contains(key))
        << key << ": say here what it changes";
    if (effect == effects().end()) continue;
    const TrainConfig before = with(three_steps(), effect->second.before);
    const TrainConfig after = with(before, {{key.c_str(), effect->second.value}});
    ASSERT_NE(config::value_text(before, setting), config::value_text(after, setting)) << key;
    EXPECT_EQ(trained(before), trained(before)) << key;
    EXPECT_NE(trained(before), trained(after)) << key;
  }
}

// Imported weights have only a model's own configuration, and evaluation uses settings made from it.
TEST(Settings, OfAModelComeThroughItsConfiguration) {
  for (const auto* info : model::models()) {
    for (const auto& setting : config::settings()) {
      const std::string& key = setting.key;
      if (std::ranges::find(info->settings, key) == info->settings.end()) continue;
      TrainConfig config = with(three_steps(), {{"model", info->name.c_str()}});
      config = with(config, {{key.c_str(), effects().at(key).value}});
      const TrainConfig back(config.model_config(40, 60));
      EXPECT_EQ(config::value_text(back, setting), config::value_text(config, setting))
          << info->name << ": " << key;
    }
  }
}

}  // namespace
}  // namespace lrurec::train
