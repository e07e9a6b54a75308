#include "lrurec/sweep/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <xxhash.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "lrurec/eval/metrics.h"
#include "lrurec/model/models.h"
#include "lrurec/util/json.h"
#include "lrurec/util/suggest.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"

namespace lrurec::sweep {
namespace {

/// One file being read: everything that is wrong is told with its line.
class Reader {
 public:
  Reader(std::string place, std::filesystem::path folder)
      : place_(std::move(place)), folder_(std::move(folder)) {}

  Plan read(const toml::table& file) {
    const std::vector<std::string> known{"data",   "seeds",  "jobs",     "threads", "memory",
                                         "sample", "metric", "settings", "grid"};
    Plan plan;
    for (const auto& [key, node] : file) {
      const std::string name(key.str());
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string suggestion = util::suggestion(name, known);
        fail(ErrorKind::usage, "{}: unknown key '{}'{}ettings of the runs belong under [settings]", at(node),
             name, suggestion.empty() ? "; s" : suggestion + " S");
      }
    }
    const auto* data = file.get_as<std::string>("data");
    if (data == nullptr) fail(ErrorKind::usage, "{}: data = \"FILE.lrd\" is missing", place_);
    plan.data = folder_ / data->get();
    plan.jobs = number(file, "jobs", plan.jobs);
    plan.threads = number(file, "threads", plan.threads);
    plan.sample = number(file, "sample", plan.sample, most_sample);
    if (const auto* memory = file.get("memory")) {
      if (!memory->is_string())
        fail(ErrorKind::usage, "{}: memory needs a text such as \"8 GB\"", at(*memory));
      plan.memory = parse_memory(memory->as_string()->get(), at(*memory));
    }
    if (const auto* metric = file.get("metric")) plan.metric = read_metric(*metric);
    if (const auto* seeds = file.get("seeds")) plan.seeds = read_seeds(*seeds);

    settings_ = table(file, "settings");
    const auto* grid = table(file, "grid");
    const auto names = [&](const char* key) {
      return (settings_ != nullptr && settings_->contains(key)) || (grid != nullptr && grid->contains(key));
    };
    plan.names_hidden_alone = names("hidden") && !names("channels");
    const bool several_models = grid != nullptr && grid->contains("model");
    plan.points = {{{}, several_models ? config::TrainConfig{} : read_settings({})}};
    if (grid != nullptr) expand(*grid, plan.points);
    for (Point& point : plan.points) {
      check_name(point, grid);
      point.config.seed = plan.seeds.front();
      point.config.threads = plan.threads;
      for (const auto& [key, value] : point.choices) {
        const std::string place = fmt::format("{}: {}", at(*grid->get(key)), key);
        config::check_effect(point.config, key, place);
        if (key == "channels") config::check_channels(point.config, place);
      }
    }
    if (grid == nullptr && !file.contains("seeds")) {
      fail(ErrorKind::usage,
           "{}: there is no [grid]; name the settings to vary under [grid], or several seeds = [1, 2, 3]; "
           "lrurec train trains a single model",
           place_);
    }
    return plan;
  }

 private:
  /// The name becomes a folder's.
  void check_name(const Point& point, const toml::table* grid) const {
    constexpr std::size_t most = 255;
    if (grid == nullptr || point.name().size() <= most) return;
    fail(ErrorKind::usage,
         "{}: the runs' folders are named after all keys of [grid], and '{}...' has more than {} bytes; put "
         "what has one value under [settings]",
         at(*grid), point.name().substr(0, 40), most);
  }

  std::string at(const toml::node& node) const {
    return fmt::format("{}:{}", place_, node.source().begin.line);
  }

  const toml::table* table(const toml::table& file, const char* key) const {
    const toml::node* node = file.get(key);
    if (node != nullptr && !node->is_table())
      fail(ErrorKind::usage, "{}: {} must be a section: [{}] on a line of its own", at(*node), key, key);
    return node == nullptr ? nullptr : node->as_table();
  }

  std::int64_t number(const toml::table& file, const char* key, std::int64_t otherwise,
                      std::int64_t most = 1024) const {
    const toml::node* node = file.get(key);
    if (node == nullptr) return otherwise;
    if (!node->is_integer() || node->as_integer()->get() < 1 || node->as_integer()->get() > most) {
      fail(ErrorKind::usage, "{}: {} needs a whole number from 1 to {}", at(*node), key, most);
    }
    return node->as_integer()->get();
  }

  std::string read_metric(const toml::node& node) const {
    const auto& known = eval::metric_names();
    const std::string metric = node.value_or(std::string());
    if (std::find(known.begin(), known.end(), metric) == known.end()) {
      fail(ErrorKind::usage, "{}: metric needs the name of one, such as \"NDCG@10\"{}", at(node),
           util::suggestion(metric, known));
    }
    return metric;
  }

  std::vector<std::int64_t> read_seeds(const toml::node& node) const {
    std::vector<std::int64_t> seeds;
    if (node.is_array()) {
      for (const auto& element : *node.as_array()) {
        seeds.push_back(element.is_integer() ? element.as_integer()->get() : -1);
      }
    }
    check_seeds(seeds, at(node));
    return seeds;
  }

  void refuse_own(const std::string& key, const toml::node& node) const {
    if (key == "seed") fail(ErrorKind::usage, "{}: seeds are listed at the top: seeds = [1, 2, 3]", at(node));
    if (key == "threads") fail(ErrorKind::usage, "{}: threads belongs at the top of the file", at(node));
  }

  /// A TOML value as a flag would have it.
  std::string text_of(const toml::node& node, const std::string& key) const {
    if (node.is_integer()) return fmt::format("{}", node.as_integer()->get());
    if (node.is_floating_point()) return fmt::format("{}", node.as_floating_point()->get());
    if (node.is_boolean()) return node.as_boolean()->get() ? "true" : "false";
    if (node.is_string()) return node.as_string()->get();
    fail(ErrorKind::usage, "{}: {} needs one value", at(node), key);
  }

  std::string model_name(const toml::node& node) const {
    const std::string name = text_of(node, "model");
    try {
      model::find_model(name);
    } catch (const Error& e) {
      throw Error(e.kind(), fmt::format("{}: {}", at(node), e.what()));
    }
    return name;
  }

  /// The preset for the model, and the other settings over it. `model`: that of the grid, or "".
  config::TrainConfig read_settings(std::string model) const {
    config::TrainConfig config;
    if (settings_ == nullptr) return model.empty() ? config : config::preset(config.preset, model);
    const auto* preset = settings_->get("preset");
    const auto* own = settings_->get("model");
    if (own != nullptr) model = model_name(*own);
    if (model.empty()) model = config.model;
    const std::string name = preset != nullptr ? text_of(*preset, "preset") : config.preset;
    try {
      config = config::preset(name, model);
    } catch (const Error& e) {
      throw Error(e.kind(), fmt::format("{}: {}", at(*preset), e.what()));
    }
    for (const auto& [key, node] : *settings_) {
      const std::string setting(key.str());
      refuse_own(setting, node);
      if (setting != "preset" && setting != "model") {
        config::set(config, setting, text_of(node, setting), at(node));
      }
    }
    return config;
  }

  void expand(const toml::table& grid, std::vector<Point>& points) const {
    std::vector<std::pair<std::string, const toml::node*>> axes;
    for (const auto& [key, node] : grid) axes.emplace_back(key.str(), &node);
    // toml++ sorts by name; names of runs are easier to read in the order in which they were written.
    // The model comes first: the others are settings of it.
    std::stable_sort(axes.begin(), axes.end(), [](const auto& a, const auto& b) {
      const auto place = [](const auto& axis) {
        return axis.first == "model" ? 0 : axis.second->source().begin.line;
      };
      return place(a) < place(b);
    });
    for (const auto& [key, node] : axes) {
      refuse_own(key, *node);
      if (settings_ != nullptr && settings_->contains(key)) {
        fail(ErrorKind::usage, "{}: {} is under [settings] and [grid]; leave one", at(*settings_->get(key)),
             key);
      }
      if (key == "preset") fail(ErrorKind::usage, "{}: preset belongs under [settings]", at(*node));
      if (!node->is_array() || node->as_array()->empty()) {
        fail(ErrorKind::usage, "{}: {} needs a list of values, such as [0.2, 0.5]", at(*node), key);
      }
      std::vector<Point> expanded;
      std::set<std::string> seen;
      for (const Point& point : points) {
        for (const auto& element : *node->as_array()) {
          const std::string text = text_of(element, key);
          Point next = point;
          if (key == "model") {
            next.config = read_settings(model_name(element));
          } else {
            config::set(next.config, key, text, at(*node));
          }
          next.choices.emplace_back(key, text);
          if (!seen.insert(next.name()).second) {
            fail(ErrorKind::usage, "{}: {} has the value {} twice; leave one", at(*node), key, text);
          }
          expanded.push_back(std::move(next));
        }
      }
      points = std::move(expanded);
    }
  }

  std::string place_;
  std::filesystem::path folder_;
  const toml::table* settings_ = nullptr;
};

}  // namespace

std::string Point::name() const {
  if (choices.empty()) return "settings";
  std::string text;
  for (const auto& [key, value] : choices)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

void check_seeds(const std::vector<std::int64_t>& seeds, const std::string& place) {
  if (seeds.empty() || *std::min_element(seeds.begin(), seeds.end()) < 0 ||
      std::set(seeds.begin(), seeds.end()).size() < seeds.size()) {
    fail(ErrorKind::usage, "{}: seeds needs a list of different whole numbers, such as [1, 2, 3]", place);
  }
  config::TrainConfig any;
  for (const auto seed : seeds) config::set(any, "seed", fmt::format("{}", seed), place);
}

void draw_sample(Plan& plan) {
  const auto size = static_cast<std::size_t>(plan.sample);
  if (size == 0 || size >= plan.points.size()) return;
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t p = 0; p < plan.points.size(); ++p) {
    const std::string name = plan.points[p].name();
    order.emplace_back(XXH3_64bits(name.data(), name.size()), p);
  }
  std::nth_element(order.begin(), order.begin() + plan.sample, order.end());
  std::vector<std::size_t> drawn;
  for (std::size_t i = 0; i < size; ++i) drawn.push_back(order[i].second);
  std::sort(drawn.begin(), drawn.end());
  std::vector<Point> points;
  for (const std::size_t p : drawn) points.push_back(std::move(plan.points[p]));
  plan.points = std::move(points);
}

double parse_memory(const std::string& text, const std::string& place) {
  double number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  std::string unit(end, last);
  std::erase(unit, ' ');
  const std::vector<std::pair<std::string, double>> units{
      {"MB", 1e6}, {"GB", 1e9}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}};
  for (const auto& [name, bytes] : units) {
    const bool is_amount = error == std::errc{} && number > 0 && std::isfinite(number * bytes);
    if (is_amount && unit == name) return number * bytes;
  }
  fail(ErrorKind::usage, "{}: '{}' is no amount of memory; write it as \"8 GB\" or \"500 MB\"", place, text);
}

Plan parse_plan(const std::string& text, const std::string& place, const std::filesystem::path& folder) {
  if (util::has_deep_toml_key(text)) fail(ErrorKind::usage, "{}: a key has more than 64 parts", place);
  toml::table file;
  try {
    file = toml::parse(text, place);
  } catch (const toml::parse_error& e) {
    fail(ErrorKind::usage, "{}:{}:{}: {}", place, e.source().begin.line, e.source().begin.column,
         e.description());
  }
  return Reader(place, folder).read(file);
}

Plan read_plan(const std::filesystem::path& file) {
  const auto bytes = nn::read_file(file);
  return parse_plan(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), file.string(),
                    file.parent_path());
}

}  // namespace lrurec::sweep
