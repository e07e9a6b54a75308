#include "lrurec/reproduce/paper.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>

#include "lrurec/util/suggest.h"
#include "tensor/error.h"

namespace lrurec::reproduce {
namespace {

/// The tables of a TOML table in the order of their lines; toml++ sorts by name.
std::vector<std::pair<std::string, const toml::table*>> tables_of(const toml::table& parent) {
  std::vector<std::pair<std::string, const toml::table*>> found;
  for (const auto& [key, node] : parent) {
    if (node.is_table()) found.emplace_back(key.str(), node.as_table());
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.second->source().begin.line < b.second->source().begin.line;
  });
  return found;
}

std::string text(const toml::table& table, std::string_view key) { return table[key].value_or(""); }

std::vector<std::string> texts(const toml::table& table, std::string_view key) {
  std::vector<std::string> found;
  if (const auto* list = table[key].as_array()) {
    for (const auto& element : *list) found.push_back(element.value_or(""));
  }
  return found;
}

std::vector<double> numbers(const toml::array& list) {
  std::vector<double> found;
  for (const auto& element : list) found.push_back(element.value<double>().value());
  return found;
}

/// A value as text, as a flag would have it.
std::string setting_text(const toml::node& node) {
  if (node.is_boolean()) return node.as_boolean()->get() ? "true" : "false";
  if (node.is_string()) return node.as_string()->get();
  return fmt::format("{}", node.value<double>().value());
}

Kind parse_kind(const std::string& name) {
  if (name == "statistics") return Kind::statistics;
  if (name == "eigenvalues") return Kind::eigenvalues;
  if (name == "efficiency") return Kind::efficiency;
  if (name == "sensitivity") return Kind::sensitivity;
  return Kind::metrics;
}

model::SettingTexts settings_of(const toml::table& table) {
  model::SettingTexts texts;
  if (const auto* settings = table["settings"].as_table()) {
    for (const auto& [key, node] : *settings) texts[std::string(key.str())] = setting_text(node);
  }
  return texts;
}

Variant read_variant(const std::string& name, const toml::table& table) {
  return {name, text(table, "title"), text(table, "model"), settings_of(table)};
}

/// Figure 4: one variant for each value of each setting.
void expand_grid(const toml::table& table, Artifact& artifact) {
  const Variant base = artifact.variants.front();
  artifact.variants.clear();
  for (const auto& [key, node] : *table["grid"].as_table()) {
    const std::string setting(key.str());
    const auto steps = numbers(*node.as_array());
    auto& axis = artifact.axes.emplace_back(setting, std::vector<std::string>{});
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::string value = fmt::format("{}", steps[i]), name = fmt::format("{}={}", setting, value);
      artifact.variants.push_back(
          {name, fmt::format("{} {}", setting, value), base.model, {{setting, value}}});
      axis.second.push_back(name);
      for (const auto& [data, list] : *table[setting].as_table()) {
        artifact.values[std::string(data.str())][name] = {numbers(*list.as_array())[i]};
      }
    }
  }
}

Artifact read_artifact(const std::string& name, const toml::table& table,
                       const std::vector<Variant>& variants) {
  Artifact artifact;
  artifact.name = name;
  artifact.title = text(table, "title");
  artifact.note = text(table, "note");
  artifact.kind = parse_kind(text(table, "kind"));
  artifact.generated = table["generated"].value_or(false);
  artifact.data = texts(table, "data");
  artifact.metrics = texts(table, "metrics");
  for (const auto& wanted : texts(table, "variants")) {
    artifact.variants.push_back(*std::find_if(variants.begin(), variants.end(),
                                              [&](const Variant& known) { return known.name == wanted; }));
  }
  if (artifact.kind == Kind::sensitivity) expand_grid(table, artifact);
  if (const auto* values = table["values"].as_table()) {
    for (const auto& [data, rows] : tables_of(*values)) {
      for (const auto& [variant, list] : *rows) {
        artifact.values[data][std::string(variant.str())] = numbers(*list.as_array());
      }
    }
  }
  return artifact;
}

}  // namespace

const Variant* Artifact::find(const std::string& variant) const {
  const auto it =
      std::find_if(variants.begin(), variants.end(), [&](const Variant& v) { return v.name == variant; });
  return it == variants.end() ? nullptr : &*it;
}

const PaperData* Paper::find_data(const std::string& name) const {
  const auto it = std::find_if(data.begin(), data.end(), [&](const PaperData& d) { return d.name == name; });
  return it == data.end() ? nullptr : &*it;
}

const Paper& paper() {
  static const Paper all = [] {
    const toml::table file = toml::parse(paper_toml, std::string_view("paper.toml"));
    Paper read;
    std::vector<Variant> variants;
    for (const auto& [name, table] : tables_of(*file["variants"].as_table())) {
      variants.push_back(read_variant(name, *table));
    }
    for (const auto& [name, table] : tables_of(*file["data"].as_table())) {
      const auto number = [&t = *table](std::string_view key) { return t[key].value<double>().value(); };
      read.data.push_back({name, text(*table, "title"), number("users"), number("items"),
                           number("interactions"), number("length"), number("density"), settings_of(*table)});
    }
    for (const auto& [name, table] : tables_of(file)) {
      if (table->contains("kind")) read.artifacts.push_back(read_artifact(name, *table, variants));
    }
    return read;
  }();
  return all;
}

std::vector<std::string> artifact_names() {
  std::vector<std::string> names;
  for (const auto& artifact : paper().artifacts) names.push_back(artifact.name);
  return names;
}

const Artifact& find_artifact(const std::string& name) {
  for (const auto& artifact : paper().artifacts) {
    if (artifact.name == name) return artifact;
  }
  fail(ErrorKind::usage, "the paper has no '{}' to reproduce{}", name, util::choices(name, artifact_names()));
}

std::vector<double> published_mean_abs(std::int64_t num_items) {
  for (const auto& data : paper().data) {
    if (data.items == static_cast<double>(num_items)) {
      return find_artifact("table5").values.at(data.name).at("lrurec");
    }
  }
  return {};
}

config::TrainConfig training(const PaperData& data, const Variant& variant) {
  config::TrainConfig config = config::preset(data.name, variant.model);
  for (const auto& [key, value] : data.settings) config::set(config, key, value, data.title);
  for (const auto& [key, value] : variant.settings) config::set(config, key, value, variant.title);
  return config;
}

}  // namespace lrurec::reproduce
