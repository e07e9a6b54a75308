// lrurec config: what a training would be run with, and where each setting comes from.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "lrurec/model/models.h"
#include "lrurec/train/run_folder.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/setting_flags.h"

namespace lrurec::command {
namespace {

struct ConfigOptions {
  std::shared_ptr<SettingFlags> settings = std::make_shared<SettingFlags>();
  std::string run;
  bool origin = false;
};

void show(const ConfigOptions& options) {
  if (!options.run.empty()) {
    const SettingFlags& others = *options.settings;
    if (!others.overrides.empty() || !others.preset.empty() || !others.model.empty() ||
        !others.config_file.empty()) {
      fail(ErrorKind::usage, "--run shows the settings of a run as they are; leave out the other flags");
    }
    const auto folder = train::RunFolder::open(options.run);
    const auto [last, path, warning] = folder.load_last();
    if (!warning.empty()) warn("warning: {}", warning);
    const config::TrainConfig saved = last.parse_config(path);
    for (const auto& setting : config::settings_of(saved)) {
      const std::string line = fmt::format("{} = {}", setting.key, config::value_text(saved, setting));
      print_out("{:<32} # {}\n", line, options.origin ? path : setting.help);
    }
    return;
  }
  const config::TrainConfig config = resolve(*options.settings, {});
  const auto from = options.origin ? origins(*options.settings) : std::map<std::string, std::string>{};
  for (const auto& setting : config::settings_of(config)) {
    const std::string line = fmt::format("{} = {}", setting.key, config::value_text(config, setting));
    print_out("{:<32} # {}\n", line, options.origin ? from.at(setting.key) : setting.help);
  }
}

void presets(const std::string& model) {
  std::vector<std::vector<std::string>> rows{{"setting", "default"}};
  for (const auto& name : config::preset_names()) rows[0].push_back(name);
  const config::TrainConfig unless_named = config::preset(config::TrainConfig{}.preset, model);
  for (const auto& setting : config::settings_of(unless_named)) {
    if (setting.key == "preset" || setting.key == "model") continue;
    const std::string base = config::value_text(unless_named, setting);
    std::vector<std::string> row{setting.key, base};
    bool differs = false;
    for (const auto& name : config::preset_names()) {
      const std::string value = config::value_text(config::preset(name, model), setting);
      differs = differs || value != base;
      row.push_back(value == base ? "" : value);
    }
    if (differs) rows.push_back(row);
  }
  print_out("{}(only what differs from the default; lrurec config show --preset NAME prints all)\n",
            table(rows));
}

void models(bool json) {
  nlohmann::json all = nlohmann::json::array();
  std::size_t name = 0, what = 0, paper = 0;
  for (const auto* info : model::models()) {
    name = std::max(name, info->name.size());
    what = std::max(what, info->what.size());
    paper = std::max(paper, info->paper.size());
    all.push_back({{"name", info->name},
                   {"title", info->title},
                   {"what", info->what},
                   {"paper", info->paper},
                   {"has_state", info->has_state},
                   {"knows_users", info->knows_users},
                   {"needs_users", info->needs_users},
                   {"event_cost", info->event_cost},
                   {"settings", info->settings}});
  }
  if (json) return print_json(all);
  print_out("{:<{}}  {:<{}}  {:<{}}  sessions  cost of an event\n", "model", name, "what it is", what,
            "paper", paper);
  for (const auto* info : model::models()) {
    print_out("{:<{}}  {:<{}}  {:<{}}  {:<8}  {}\n", info->name, name, info->what, what, info->paper, paper,
              info->has_state ? "yes" : "no", info->event_cost);
  }
  print_out("(H hidden, D channels, n earlier events, at most L of them; scoring all items comes on top)\n");
}

}  // namespace

void add_config(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("config", "Settings: what they are, and where they come from");
  sub->require_subcommand(1);
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* show_sub =
      sub->add_subcommand("show", "The settings of preset, file and flags as TOML, ready for train --config");
  show_sub->add_flag("--origin", options->origin, "show beside each setting where it comes from");
  show_sub->add_option("--run", options->run, "the settings of this run instead");
  add_setting_flags(*show_sub, options->settings);
  show_sub->callback([options] { show(*options); });
  CLI::App* presets_sub = sub->add_subcommand("presets", "The presets side by side");
  auto model = std::make_shared<std::string>("lrurec");
  presets_sub->add_option("--model", *model, "model whose presets are shown (default lrurec)");
  presets_sub->callback([model] { presets(*model); });
  CLI::App* models_sub = sub->add_subcommand("models", "What can be trained");
  auto as_json = std::make_shared<bool>(false);
  models_sub->add_flag("--json", *as_json, "print one JSON array");
  models_sub->callback([as_json] { models(*as_json); });
}

}  // namespace lrurec::command
