#pragma once
// The paper's tables and figures, as data: paper.toml, which is put into the program when it is built.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lrurec/config/config.h"
#include "lrurec/model/models.h"

namespace lrurec::reproduce {

extern const std::string_view paper_toml;

/// A row of table 2. `preset` of a training is its name.
struct PaperData {
  std::string name, title;
  double users = 0, items = 0, interactions = 0, length = 0, density = 0;
  model::SettingTexts settings{};  ///< of all trainings on it, over the preset
};

/// What is trained: a model, with some settings over the preset of the data set.
struct Variant {
  std::string name, title, model;
  model::SettingTexts settings;
};

enum class Kind { statistics, metrics, eigenvalues, efficiency, sensitivity };

/// A table or figure. `values`: by data set and variant, one for each metric; absent where the paper prints
/// none.
struct Artifact {
  std::string name, title, note;
  Kind kind = Kind::metrics;
  bool generated = false;  ///< its data cannot be had; they are generated unless given
  std::vector<std::string> data, metrics;
  std::vector<Variant> variants;
  std::map<std::string, std::map<std::string, std::vector<double>>> values;
  /// Of Kind::sensitivity: the settings that are varied, and the variants of each.
  std::vector<std::pair<std::string, std::vector<std::string>>> axes;

  const Variant* find(const std::string& variant) const;
};

struct Paper {
  std::vector<PaperData> data;
  std::vector<Artifact> artifacts;

  const PaperData* find_data(const std::string& name) const;
};

/// paper.toml, read once.
const Paper& paper();
std::vector<std::string> artifact_names();
/// An unknown name is ErrorKind::usage with a suggestion.
const Artifact& find_artifact(const std::string& name);

/// Mean |lambda| of both blocks after training (table 5) on the paper's data set of so many items (table 2);
/// empty for any other.
std::vector<double> published_mean_abs(std::int64_t num_items);

/// The training of a variant on a data set: the data set's preset, with the settings of both.
config::TrainConfig training(const PaperData& data, const Variant& variant);

}  // namespace lrurec::reproduce
