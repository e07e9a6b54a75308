#pragma once
// Settings of training as flags: --preset, --config and one flag a setting.

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lrurec/config/config.h"

namespace lrurec::command {

struct SettingFlags {
  std::string preset, model, config_file;
  std::vector<std::pair<std::string, std::string>> overrides;  ///< key and text, in the order of the flags
};

/// Adds the flags to a subcommand. `flags` must outlive it.
void add_setting_flags(CLI::App& sub, const std::shared_ptr<SettingFlags>& flags);

/// Flags over file over the model's preset over `config`.
config::TrainConfig resolve(const SettingFlags& flags, config::TrainConfig config);

/// Where each setting of resolve(flags, {}) comes from: "default", "preset beauty", "my.toml:3", "--dropout".
std::map<std::string, std::string> origins(const SettingFlags& flags);

/// --include-seen of commands that recommend.
void add_seen_flags(CLI::App& sub, bool& include_seen);

/// Threads of our kernels and of BLAS, as the settings say: `threads`, or one with `deterministic`.
void apply_threads(const config::TrainConfig& config);

/// Says on stderr if these flags or their file name `hidden` and not `channels`, which the paper has at twice
/// `hidden` and which stays as it is.
void note_channels_that_stay(const SettingFlags& flags, const config::TrainConfig& config);

/// Warns where --bf16 makes steps slower, and where --bf16 or --tf32 changes nothing.
void warn_of_useless_precision(const config::TrainConfig& config);

}  // namespace lrurec::command
