#include "lrurec/config/config.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "lrurec/eval/protocol.h"
#include "lrurec/model/backbones.h"
#include "lrurec/model/models.h"
#include "lrurec/util/json.h"
#include "lrurec/util/suggest.h"
#include "nn/optim/schedule.h"
#include "nn/transformer.h"
#include "tensor/error.h"

namespace lrurec::config {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

const Setting* find(const std::string& key) {
  for (const auto& setting : settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

[[noreturn]] void unknown_key(const std::string& key, const std::string& place) {
  std::vector<std::string> known;
  for (const auto& setting : settings()) known.push_back(setting.key);
  fail(ErrorKind::usage, "{}: unknown key '{}'{}", place, key, util::suggestion(key, known));
}

void check_range(const Setting& setting, double value, const std::string& place) {
  if (value >= setting.least && value <= setting.most) return;  // false for a NaN
  if (setting.most == no_limit && !(value > no_limit)) {
    fail(ErrorKind::usage, "{}: {} = {} must be at least {}", place, setting.key, value, setting.least);
  }
  fail(ErrorKind::usage, "{}: {} = {} must be in {}..{}", place, setting.key, value, setting.least,
       setting.most);
}

void check_text(const Setting& setting, const std::string& text, const std::string& place) {
  try {
    if (setting.key == "device") Device::parse(text);
    if (setting.key == "lr_schedule") nn::parse_schedule(text);
    if (setting.key == "backbone") model::backbone(text);
    if (setting.key == "network") model::position_wise(text);
    if (setting.key == "positions_from") nn::parse_places_from(text);
    if (setting.key == "model") model::find_model(text);
    if (setting.key == "mask") eval::parse_mask(text);
    // A saved preset may exist no longer, but its name is written to TOML again.
    const auto breaks_text = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte < 0x20 || byte == 0x7F || c == '"' || c == '\\';
    };
    if (setting.key == "preset" && std::any_of(text.begin(), text.end(), breaks_text)) {
      fail(ErrorKind::usage,
           "preset needs the name of one, without quotes, backslashes or control characters");
    }
  } catch (const Error& e) {
    fail(ErrorKind::usage, "{}: {}", place, e.what());
  }
}

bool contains(const std::vector<std::string>& list, const std::string& key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

/// The models that have this setting as their own; none for a setting of the training, which all models have.
std::vector<std::string> owners(const std::string& key) {
  std::vector<std::string> names;
  for (const auto* info : model::models()) {
    if (contains(info->settings, key) || contains(info->example_settings, key)) names.push_back(info->name);
  }
  return names;
}

bool has_setting(const std::string& model, const std::string& key) {
  const auto names = owners(key);
  return names.empty() || contains(names, model);
}

/// Only -1 stands for the rate of `dropout`; saved configurations may have any negative number for it.
void check_rate(const TrainConfig& config, const std::string& key, const std::string& place) {
  const double rate = config.lru_dropout;
  if (key != "lru_dropout" || rate == -1 || (rate >= 0 && rate <= 0.999999)) return;
  fail(ErrorKind::usage, "{}: lru_dropout = {} must be -1 (as dropout) or in 0..0.999999", place, rate);
}

void check_owner(const TrainConfig& config, const std::string& key, const std::string& place) {
  if (has_setting(config.model, key)) return;
  const auto names = owners(key);
  fail(ErrorKind::usage, "{}: {} has no setting {} ({} {} it); leave it out", place, config.model, key,
       fmt::join(names, ", "), names.size() == 1 ? "has" : "have");
}

template <class T>
T parse_number(const std::string& text, const std::string& key, const std::string& place) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    fail(ErrorKind::usage, "{}: {} needs {}, not '{}'", place, key,
         std::is_integral_v<T> ? "a whole number" : "a number", text);
  }
  return value;
}

bool parse_bool(const std::string& text, const std::string& key, const std::string& place) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  fail(ErrorKind::usage, "{}: {} needs true or false, not '{}'", place, key, text);
}

void set_from_node(TrainConfig& config, const Setting& setting, const toml::node& node,
                   const std::string& place) {
  const auto wrong = [&](const char* needed) {
    fail(ErrorKind::usage, "{}: {} needs {}", place, setting.key, needed);
  };
  std::visit(Overloaded{[&](std::int64_t TrainConfig::*m) {
                          if (!node.is_integer()) wrong("a whole number");
                          config.*m = node.as_integer()->get();
                          check_range(setting, static_cast<double>(config.*m), place);
                        },
                        [&](double TrainConfig::*m) {
                          if (!node.is_number()) wrong("a number");
                          config.*m = node.is_integer() ? static_cast<double>(node.as_integer()->get())
                                                        : node.as_floating_point()->get();
                          check_range(setting, config.*m, place);
                        },
                        [&](bool TrainConfig::*m) {
                          if (!node.is_boolean()) wrong("true or false");
                          config.*m = node.as_boolean()->get();
                        },
                        [&](std::string TrainConfig::*m) {
                          if (!node.is_string()) wrong("a string");
                          config.*m = node.as_string()->get();
                          check_text(setting, config.*m, place);
                        }},
             setting.member);
}

}  // namespace

TrainConfig::TrainConfig(const model::ModelConfig& of)
    : model(of.model),
      hidden(of.hidden),
      channels(of.channels),
      blocks(of.blocks),
      heads(of.heads),
      dropout(of.dropout),
      lru_dropout(of.lru_dropout),
      ring_min(of.ring_min),
      ring_max(of.ring_max),
      final_dropout(of.final_dropout),
      layer_norm_eps(of.layer_norm_eps),
      outer_gelu(of.outer_gelu),
      backbone(of.backbone),
      layer_norm(of.layer_norm),
      residual(of.residual),
      pffn(of.pffn),
      network(of.network),
      gates(of.gates),
      norm_first(of.norm_first),
      item_norm(of.item_norm),
      positions_from(of.positions_from),
      alpha(of.alpha),
      max_length(of.max_length) {}

model::ModelConfig TrainConfig::model_config(std::int64_t num_items, std::int64_t num_users) const {
  return {.model = model,
          .num_items = num_items,
          .num_users = num_users,
          .max_length = max_length,
          .hidden = hidden,
          .channels = channels,
          .blocks = blocks,
          .heads = heads,
          .dropout = dropout,
          .lru_dropout = lru_dropout,
          .ring_min = ring_min,
          .ring_max = ring_max,
          .final_dropout = final_dropout,
          .layer_norm_eps = layer_norm_eps,
          .outer_gelu = outer_gelu,
          .backbone = backbone,
          .layer_norm = layer_norm,
          .residual = residual,
          .pffn = pffn,
          .network = network,
          .gates = gates,
          .norm_first = norm_first,
          .item_norm = item_norm,
          .positions_from = positions_from,
          .alpha = alpha};
}

data::ExampleOptions TrainConfig::examples() const {
  return {model::find_model(model).examples, max_length, mask_share, train_heads, next_share};
}

std::vector<Setting> settings_of(const TrainConfig& config) {
  std::vector<Setting> own;
  for (const auto& setting : settings()) {
    if (has_setting(config.model, setting.key)) own.push_back(setting);
  }
  return own;
}

std::vector<std::string> own_settings(const TrainConfig& config) {
  std::vector<std::string> texts;
  for (const auto& setting : settings_of(config)) {
    if (!owners(setting.key).empty()) {
      texts.push_back(fmt::format("{} = {}", setting.key, value_text(config, setting)));
    }
  }
  return texts;
}

void set(TrainConfig& config, const std::string& key, const std::string& text, const std::string& place) {
  const Setting* setting = find(key);
  if (setting == nullptr) unknown_key(key, place);
  check_owner(config, key, place);
  std::visit(Overloaded{[&](std::int64_t TrainConfig::*m) {
                          config.*m = parse_number<std::int64_t>(text, key, place);
                          check_range(*setting, static_cast<double>(config.*m), place);
                        },
                        [&](double TrainConfig::*m) {
                          config.*m = parse_number<double>(text, key, place);
                          check_range(*setting, config.*m, place);
                        },
                        [&](bool TrainConfig::*m) { config.*m = parse_bool(text, key, place); },
                        [&](std::string TrainConfig::*m) {
                          check_text(*setting, text, place);
                          config.*m = text;
                        }},
             setting->member);
  check_rate(config, key, place);
}

void check_together(const TrainConfig& config) {
  if (has_setting(config.model, "heads") && config.hidden % config.heads != 0) {
    fail(ErrorKind::usage, "hidden = {} is no multiple of heads = {}; change --heads or --hidden",
         config.hidden, config.heads);
  }
  if (config.ring_min > config.ring_max) {
    fail(ErrorKind::usage, "ring_min = {} is above ring_max = {}; change --ring-min or --ring-max",
         config.ring_min, config.ring_max);
  }
  if (config.label_smoothing > 0 && config.negatives > 0) {
    fail(ErrorKind::usage,
         "label_smoothing = {} needs all items, not {} negatives (which may be the preset's); set one of the "
         "two to 0",
         config.label_smoothing, config.negatives);
  }
}

void check_effect(const TrainConfig& config, const std::string& key, const std::string& place) {
  const auto needs = [&](std::initializer_list<std::string_view> keys, bool there, const char* what) {
    if (there || std::find(keys.begin(), keys.end(), key) == keys.end()) return;
    const Setting& setting = *find(key);
    if (value_text(config, setting) == value_text(TrainConfig{}, setting)) return;  // as it is anyway
    fail(ErrorKind::usage, "{}: changes nothing without {}", place, what);
  };
  needs({"lr_decay_steps", "lr_final_share"}, config.lr_schedule != "constant",
        "--lr-schedule linear or cosine");
  needs({"layer_norm_eps", "norm_first"}, config.layer_norm, "layer norms (--layer-norm false is set)");
  needs({"outer_gelu", "network"}, config.pffn, "position-wise networks (--pffn false is set)");
  needs({"ring_min", "ring_max"}, config.backbone == "lru", "--backbone lru");
  needs({"negatives_shared", "log_correction"}, config.negatives > 0, "--negatives");
}

void check_channels(const TrainConfig& config, const std::string& place) {
  if (has_setting(config.model, "backbone") && !model::backbone(config.backbone).has_channels) {
    std::vector<std::string> names;
    for (const auto& backbone : model::backbones()) {
      if (backbone.has_channels) names.push_back(backbone.name);
    }
    fail(ErrorKind::usage, "{}: the backbone {} has no channels; {} have them", place, config.backbone,
         fmt::join(names, " and "));
  }
}

bool has_unusual_channels(const TrainConfig& config) {
  return has_setting(config.model, "channels") && model::backbone(config.backbone).has_channels &&
         config.channels != 2 * config.hidden;
}

namespace {

void parse(TrainConfig& config, const std::string& text, const std::string& place, bool apply_preset,
           const OverFile& over) {
  if (util::has_deep_toml_key(text)) fail(ErrorKind::usage, "{}: a key has more than 64 parts", place);
  toml::table table;
  try {
    table = toml::parse(text, place);
  } catch (const toml::parse_error& e) {
    fail(ErrorKind::usage, "{}:{}:{}: {}", place, e.source().begin.line, e.source().begin.column,
         e.description());
  }
  const auto line_of = [&](const toml::node& node) {
    return fmt::format("{}:{}", place, node.source().begin.line);
  };
  // The base of all other keys.
  const auto base = [&](const char* key, const std::string& otherwise, auto&& use) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return use(otherwise);
    if (!node->is_string()) fail(ErrorKind::usage, "{}: {} needs a string", line_of(*node), key);
    try {
      use(node->as_string()->get());
    } catch (const Error& e) {
      fail(ErrorKind::usage, "{}: {}", line_of(*node), e.what());
    }
  };
  if (apply_preset && (table.contains("preset") || table.contains("model"))) {
    base("model", config.model,
         [&](const std::string& name) { config.model = model::find_model(name).name; });
    if (!over.model.empty()) config.model = over.model;
    base("preset", config.preset, [&](const std::string& name) { config = preset(name, config.model); });
    if (!over.preset.empty()) config = preset(over.preset, config.model);
  } else if (const toml::node* node = table.get("model")) {
    set_from_node(config, *find("model"), *node, line_of(*node));
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const Setting* setting = find(name);
    if (setting == nullptr && node.is_table()) {
      fail(ErrorKind::usage, "{}: settings stand without a section; leave out [{}]", line_of(node), name);
    }
    if (setting == nullptr) unknown_key(name, line_of(node));
    if (name == "model" || (name == "preset" && apply_preset)) continue;  // they are the base
    // What was saved may name a setting that the model has lost since; it is read and has no effect.
    if (apply_preset) check_owner(config, name, line_of(node));
    set_from_node(config, *setting, node, line_of(node));
    if (apply_preset) check_rate(config, name, line_of(node));
  }
}

}  // namespace

void parse_toml(TrainConfig& config, const std::string& text, const std::string& place,
                const OverFile& over) {
  parse(config, text, place, /*apply_preset=*/true, over);
}

void parse_saved(TrainConfig& config, const std::string& text, const std::string& place) {
  config = TrainConfig{};
  parse(config, text, place, /*apply_preset=*/false, {});
}

void read_toml(TrainConfig& config, const std::filesystem::path& file, const OverFile& over) {
  std::ifstream in(file);  // a pipe too: --config <(...)
  std::ostringstream text;
  const bool is_file = in && !std::filesystem::is_directory(file);
  if (is_file) text << in.rdbuf();
  if (!is_file || text.bad()) fail(ErrorKind::io, "cannot read the configuration file {}", file.string());
  parse_toml(config, text.str(), file.string(), over);
}

std::string value_text(const TrainConfig& config, const Setting& setting) {
  return std::visit(
      Overloaded{[&](std::int64_t TrainConfig::*m) { return fmt::format("{}", config.*m); },
                 [&](double TrainConfig::*m) {
                   const std::string text = fmt::format("{}", config.*m);
                   // TOML tells 1 from 1.0.
                   return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
                 },
                 [&](bool TrainConfig::*m) { return std::string(config.*m ? "true" : "false"); },
                 [&](std::string TrainConfig::*m) { return '"' + config.*m + '"'; }},
      setting.member);
}

std::map<std::string, std::int64_t> toml_lines(const std::string& text) {
  std::map<std::string, std::int64_t> lines;
  for (const auto& [key, node] : toml::parse(text)) {
    lines.emplace(key.str(), node.source().begin.line);
  }
  return lines;
}

std::string to_toml(const TrainConfig& config) {
  std::string text;
  for (const auto& setting : settings_of(config)) {
    text += fmt::format("{:<32} # {}\n", fmt::format("{} = {}", setting.key, value_text(config, setting)),
                        setting.help);
  }
  return text;
}

namespace {

/// Whether the learning rate falls over the whole length of the training.
bool falls_to_the_end(const TrainConfig& config) {
  return config.lr_schedule != "constant" && config.lr_decay_steps == 0;
}

}  // namespace

std::vector<std::string> differences(const TrainConfig& a, const TrainConfig& b) {
  if (a.model != b.model) return {"model"};
  std::vector<std::string> keys;
  for (const auto& setting : settings_of(a)) {
    // A learning rate that falls until the last step depends on which step that is.
    const bool is_length =
        setting.key == std::string_view("max_steps") || setting.key == std::string_view("max_epochs");
    const bool fixed = !setting.may_change || (is_length && falls_to_the_end(a));
    if (fixed && value_text(a, setting) != value_text(b, setting)) keys.push_back(setting.key);
  }
  return keys;
}

std::vector<std::string> told_differences(const TrainConfig& had, const TrainConfig& wanted) {
  std::vector<std::string> told;
  for (const auto& key : differences(had, wanted)) {
    told.push_back(
        fmt::format("{} ({}, not {})", key, value_text(had, *find(key)), value_text(wanted, *find(key))));
  }
  return told;
}

}  // namespace lrurec::config
