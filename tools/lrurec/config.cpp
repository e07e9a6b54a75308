// lrurec config: what a training would be run with, and where each setting comes from.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

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
    const auto folder = train::RunFolder::open(options.run);
    const auto path = folder.checkpoint("last").string();
    const config::TrainConfig saved = train::Checkpoint::load(path).parse_config(path);
    for (const auto& setting : config::settings()) {
      const std::string line = fmt::format("{} = {}", setting.key, config::value_text(saved, setting));
      print_out("{:<32} # {}\n", line, options.origin ? path : setting.help);
    }
    return;
  }
  const config::TrainConfig config = resolve(*options.settings, {});
  const auto from = origins(*options.settings);
  for (const auto& setting : config::settings()) {
    const std::string line = fmt::format("{} = {}", setting.key, config::value_text(config, setting));
    print_out("{:<32} # {}\n", line, options.origin ? from.at(setting.key) : setting.help);
  }
}

void presets() {
  std::vector<std::vector<std::string>> rows{{"setting", "default"}};
  for (const auto& name : config::preset_names()) rows[0].push_back(name);
  for (const auto& setting : config::settings()) {
    if (setting.key == "preset") continue;
    const std::string base = config::value_text({}, setting);
    std::vector<std::string> row{setting.key, base};
    bool differs = false;
    for (const auto& name : config::preset_names()) {
      const std::string value = config::value_text(config::preset(name), setting);
      differs = differs || value != base;
      row.push_back(value == base ? "" : value);
    }
    if (differs) rows.push_back(row);
  }
  print_out("{}(only what differs from the default; lrurec config show --preset NAME prints all)\n",
            table(rows));
}

}  // namespace

void add_config(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("config", "Settings: what they are, and where they come from");
  sub->require_subcommand(1);
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* show_sub =
      sub->add_subcommand("show", "The settings of preset, file and flags as TOML, ready for train --config");
  show_sub->add_flag("--origin", options->origin, "beside each setting where it comes from");
  show_sub->add_option("--run", options->run, "the settings of this run instead");
  add_setting_flags(*show_sub, options->settings);
  show_sub->callback([options] { show(*options); });
  sub->add_subcommand("presets", "The presets side by side")->callback([] { presets(); });
}

}  // namespace lrurec::command
