#include "tools/lrurec/setting_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <filesystem>

#include "lrurec/model/models.h"
#include "lrurec/util/builds.h"
#include "nn/serialization/atomic_file.h"
#include "ops/matmul/bf16_products.h"
#include "ops/matmul/blas_info.h"
#include "tensor/error.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

std::string flag_of(const std::string& key) {
  std::string flag = "--" + key;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

const char* type_of(const config::Setting& setting) {
  constexpr const char* names[] = {"INT", "FLOAT", "true|false", "TEXT"};
  return names[setting.member.index()];
}

/// The line of each key of a configuration file.
std::map<std::string, std::int64_t> lines_of_file(const std::string& file) {
  const auto bytes = nn::read_file(file);
  return config::toml_lines({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

config::TrainConfig resolve(const SettingFlags& flags, config::TrainConfig config) {
  // If --model names the model that a resumed run has, the run keeps its settings.
  if (!flags.preset.empty() || (!flags.model.empty() && flags.model != config.model)) {
    config = config::preset(flags.preset.empty() ? config.preset : flags.preset,
                            flags.model.empty() ? config.model : flags.model);
  }
  if (!flags.config_file.empty()) config::read_toml(config, flags.config_file, {flags.preset, flags.model});
  for (const auto& [key, text] : flags.overrides) config::set(config, key, text, flag_of(key));
  config::check_together(config);
  for (const auto& [key, text] : flags.overrides) {
    config::check_effect(config, key, flag_of(key));
    if (key == "channels") config::check_channels(config, flag_of(key));
  }
  return config;
}

std::map<std::string, std::string> origins(const SettingFlags& flags) {
  if (!flags.config_file.empty() && !std::filesystem::is_regular_file(flags.config_file)) {
    fail(ErrorKind::usage, "{} can be read only once; leave out --origin, or save it to a file",
         flags.config_file);
  }
  std::map<std::string, std::string> result;
  for (const auto& setting : config::settings()) result[setting.key] = "default";
  const auto from_preset = [&](const std::string& name, const std::string& model) {
    const config::TrainConfig base, chosen = config::preset(name, model);
    const auto& of_model = model::find_model(model).presets;
    const auto named = [&](const std::string& key) {  // which may bring a default back
      return std::ranges::any_of(of_model, [&](const auto& one) {
        return (one.first.empty() || one.first == name) &&
               std::ranges::any_of(one.second, [&](const auto& text) { return text.first == key; });
      });
    };
    for (const auto& setting : config::settings()) {
      const bool same =
          config::value_text(base, setting) == config::value_text(chosen, setting) && !named(setting.key);
      const std::string preset =
          model == base.model ? "preset " + name : fmt::format("preset {} of {}", name, model);
      result[setting.key] = same && setting.key != "preset" ? "default" : preset;
    }
  };
  const config::TrainConfig whole = resolve(flags, {});
  from_preset(whole.preset, whole.model);
  result["preset"] = flags.preset.empty() ? "default" : "--preset";
  result["model"] = "default";
  if (!flags.config_file.empty()) {
    for (const auto& [key, line] : lines_of_file(flags.config_file)) {
      result[key] = fmt::format("{}:{}", flags.config_file, line);
    }
  }
  for (const auto& [key, text] : flags.overrides) result[key] = flag_of(key);
  if (!flags.model.empty()) result["model"] = "--model";
  if (!flags.preset.empty()) result["preset"] = "--preset";
  return result;
}

void apply_threads(const config::TrainConfig& config) {
  if (config.threads > 0) omp_set_num_threads(static_cast<int>(config.threads));
  if (!config.deterministic) return;
  omp_set_num_threads(1);  // the next line does not, if OpenBLAS has threads of its own
  ops::set_blas_threads(1);
}

void note_channels_that_stay(const SettingFlags& flags, const config::TrainConfig& config) {
  const auto names = [&](const std::string& key) {
    if (std::ranges::any_of(flags.overrides, [&](const auto& one) { return one.first == key; })) return true;
    if (!std::filesystem::is_regular_file(flags.config_file)) return false;
    return lines_of_file(flags.config_file).contains(key);
  };
  if (!config::has_unusual_channels(config) || !names("hidden") || names("channels")) return;
  note("note: channels stays {}; the paper's is twice hidden (--channels {})", config.channels,
       2 * config.hidden);
}

void warn_of_useless_precision(const config::TrainConfig& config) {
  if (config.tf32 && config.device == "cpu") {
    warn("warning: tf32 is for products on a GPU and changes nothing on cpu; --bf16 is a CPU's");
  }
  if (!config.bf16) return;
  if (config.device != "cpu") {
    warn("warning: bf16 is for products on a CPU and changes nothing on {}; --tf32 is a GPU's",
         config.device);
  } else if (!ops::has_fast_bf16()) {
    warn("warning: {}, so steps take longer with bf16 than without",
         util::compiled_for() == util::Vectors::avx512_bf16
             ? fmt::format("this processor multiplies {:.2g} times as fast in bf16 as in f32",
                           ops::measured_bf16_speed())
             : "this build has no AVX512-BF16");
  }
}

void add_seen_flags(CLI::App& sub, bool& include_seen) {
  auto* include =
      sub.add_flag("--include-seen", include_seen,
                   "recommend also items that the user has had; default: they are left out, as with evaluate "
                   "--mask all");
  // It is the default now and changes nothing; until version 0.1 it had to be asked for.
  sub.add_flag("--exclude-seen")->group("")->excludes(include);
}

void add_setting_flags(CLI::App& sub, const std::shared_ptr<SettingFlags>& flags) {
  sub.add_option("--preset", flags->preset,
                 fmt::format("settings to start from: {}; default {}",
                             fmt::join(config::preset_names(), ", "), config::TrainConfig{}.preset))
      ->check(not_empty("a name"));
  sub.add_option("--model", flags->model,
                 fmt::format("what is trained: {}; lrurec config models says more",
                             fmt::join(model::model_names(), ", ")))
      ->check(not_empty("a name"));
  sub.add_option("--config", flags->config_file, "TOML file with settings on top of the preset");
  for (const auto& setting : config::settings()) {
    if (setting.key == "preset" || setting.key == "model") continue;
    const bool is_switch =
        type_of(setting) == std::string_view("true|false");  // --outer-gelu alone means true
    sub.add_option_function<std::string>(
           flag_of(setting.key),
           [flags, key = setting.key](const std::string& text) { flags->overrides.emplace_back(key, text); },
           setting.help)
        ->type_name(type_of(setting))
        ->expected(is_switch ? 0 : 1, 1)
        ->default_str(is_switch ? "true" : "")  // without a value; an empty one is a mistake
        ->option_text(is_switch ? "true|false" : "")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group("Settings, over preset and file");
  }
}

}  // namespace lrurec::command
