#pragma once
// Everything that determines a training run, as one flat list of settings: the same names in TOML files
// (batch_size = 128), on the command line (--batch-size 128) and in a run's config.toml.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "lrurec/data/examples.h"
#include "lrurec/model/config.h"

namespace lrurec::config {

/// Defaults are those of the paper and its published implementation on ML-1M.
struct TrainConfig {
  std::string preset = "ml-1m";
  std::string model = "lrurec";  ///< a name of lrurec/model/models.h; it decides its presets and own settings
  std::int64_t seed = 1;
  std::int64_t threads = 0;  ///< 0: all cores
  /// Runs on one thread, so that the bits do not depend on `threads`. It matters where OpenBLAS multiplies
  /// (the sampled softmax), which has as many threads as OpenMP. Our own kernels, and so all of LRURec's
  /// training with the full softmax, give the same bits on any number of threads.
  bool deterministic = false;
  std::string device = "cpu";  ///< or "cuda", "cuda:1"
  bool tf32 = false;           ///< float products on a GPU with 10 bits of mantissa
  bool bf16 = false;           ///< training's products on a CPU in bf16, see ops::Bf16Products

  std::int64_t hidden = 64;
  std::int64_t channels = 128;
  std::int64_t blocks = 2;
  std::int64_t heads = 2;
  double dropout = 0.2;
  double lru_dropout = -1;
  double ring_min = 0.8;
  double ring_max = 0.99;
  double final_dropout = 0.5;
  double layer_norm_eps = 1e-5;
  bool outer_gelu = false;
  std::string backbone = "lru";
  bool layer_norm = true;
  bool residual = true;
  bool pffn = true;
  std::string network = "gelu";
  bool gates = false;
  bool norm_first = false;
  bool item_norm = false;
  std::string positions_from = "start";
  double mask_share = 0.2;
  double next_share = 0;
  bool train_heads = false;
  double alpha = 0.5;

  std::int64_t max_length = 200;
  std::int64_t batch_size = 128;
  double learning_rate = 1e-3;
  std::string lr_schedule = "constant";  ///< or "linear", "cosine", see nn::LrSchedule
  std::int64_t warmup_steps = 0;
  std::int64_t lr_decay_steps = 0;  ///< 0: all planned steps
  double lr_final_share = 0;
  double weight_decay = 1e-2;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double adam_eps = 1e-9;
  double clip_norm = 5.0;
  double average = 0;  ///< decay of train::WeightAverage; 0: none

  double label_smoothing = 0;     ///< see ops::label_margin; of the full softmax
  std::int64_t negatives = 0;     ///< of the sampled softmax; 0: full softmax
  bool negatives_shared = false;  ///< the same for the whole batch instead of some for each position
  bool log_correction = false;    ///< see ops::sampled_cross_entropy

  std::int64_t max_epochs = 500;  ///< 0: no limit; without either limit only patience ends a training
  std::int64_t max_steps = 0;     ///< 0: no limit
  std::int64_t validate_every = 500;
  std::int64_t validate_users = 0;  ///< whose targets a round ranks, drawn by the seed; 0: all
  std::int64_t eval_negatives = 0;  ///< candidates of a sampled evaluation; 0: full ranking
  std::string mask = "window";      ///< items that are no candidates: a name of eval::Mask
  std::int64_t patience =
      10;  ///< validation rounds without a better Recall@10 before stopping; 0: never stop
  std::int64_t log_every = 50;

  TrainConfig() = default;
  /// The defaults, with a model's own settings.
  explicit TrainConfig(const model::ModelConfig& of);
  model::ModelConfig model_config(std::int64_t num_items, std::int64_t num_users) const;
  /// The training examples of its model.
  data::ExampleOptions examples() const;
  friend bool operator==(const TrainConfig&, const TrainConfig&) = default;
};

/// The upper end of a range that has none.
inline constexpr double no_limit = 1e15;

/// One setting: where it lives, what it means, and its range.
struct Setting {
  std::string key;
  std::variant<std::int64_t TrainConfig::*, double TrainConfig::*, bool TrainConfig::*,
               std::string TrainConfig::*>
      member;
  std::string help;
  double least = 0;
  double most = 0;
  /// Whether a resumed run may change it: it says how long or how fast to run, not what is computed.
  bool may_change = false;
};
const std::vector<Setting>& settings();
/// The settings that the configuration's model has, without those that only other models have.
std::vector<Setting> settings_of(const TrainConfig& config);
/// Its model's own settings as text: "hidden = 64", ...
std::vector<std::string> own_settings(const TrainConfig& config);

/// Names of the presets, and the configuration of one for a model; an unknown name is ErrorKind::usage with a
/// suggestion.
std::vector<std::string> preset_names();
TrainConfig preset(const std::string& name, const std::string& model = "lrurec");

/// Sets one setting from text (a command-line flag). Text that is no number, a value out of range, and a
/// setting that is unknown or that the model does not have are ErrorKind::usage naming `place`. The model is
/// chosen before the other settings, by preset().
void set(TrainConfig& config, const std::string& key, const std::string& text, const std::string& place);

/// Heads that do not divide hidden, and label smoothing with negatives, are ErrorKind::usage.
void check_together(const TrainConfig& config);
/// Checks a setting that was asked for by name, at `place`: one that has no effect beside the others, such as
/// lr_final_share without a falling learning rate, is ErrorKind::usage.
void check_effect(const TrainConfig& config, const std::string& key, const std::string& place);
/// The same for `channels`: a backbone that has none is ErrorKind::usage naming `place`.
void check_channels(const TrainConfig& config, const std::string& place);
/// Whether the model's recurrence has another number of channels than the paper's twice `hidden`.
bool has_unusual_channels(const TrainConfig& config);

/// The command line's preset and model, which replace those of a file; "" where it names none.
struct OverFile {
  std::string preset, model;
};

/// Reads a TOML file over `config`: keys `preset` and `model` are applied first, the others on top of them.
/// An unknown key, or one that the model does not have, is ErrorKind::usage with file, line and suggestion; a
/// file that cannot be read is ErrorKind::io.
void read_toml(TrainConfig& config, const std::filesystem::path& file, const OverFile& over = {});
/// The same as read_toml from text; `place` stands in errors for the file name.
void parse_toml(TrainConfig& config, const std::string& text, const std::string& place,
                const OverFile& over = {});

/// The line of each key of a text that parse_toml accepts.
std::map<std::string, std::int64_t> toml_lines(const std::string& text);

/// Reads a configuration that to_toml wrote. It is complete, so its preset is only a name. A setting that did
/// not exist when it was saved gets TrainConfig's default, which leaves everything as it was.
void parse_saved(TrainConfig& config, const std::string& text, const std::string& place);

/// All settings that the model has as TOML, each with its meaning as a comment. parse_toml of it gives the
/// same configuration back.
std::string to_toml(const TrainConfig& config);

/// A setting's value as TOML.
std::string value_text(const TrainConfig& config, const Setting& setting);

/// Keys in which two configurations differ, without those that a resumed run may change; only "model" if the
/// models differ.
std::vector<std::string> differences(const TrainConfig& a, const TrainConfig& b);
/// The same with both values: "dropout (0.6, not 0.2)".
std::vector<std::string> told_differences(const TrainConfig& had, const TrainConfig& wanted);

}  // namespace lrurec::config
