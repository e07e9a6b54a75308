#include "lrurec/exchange/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "lrurec/config/config.h"
#include "lrurec/model/backbones.h"
#include "lrurec/model/models.h"
#include "lrurec/model/published.h"
#include "nn/optim/clip.h"
#include "nn/serialization/module_file.h"
#include "tensor/error.h"

namespace lrurec::exchange {
namespace {

constexpr std::string_view prefix = "weights.";
constexpr std::string_view real_suffix = ".real", imaginary_suffix = ".imag";

/// [...] complex -> its real (0) or imaginary (1) part.
Tensor part(const Tensor& complex, std::int64_t which) {
  return complex.contiguous().view_as_real().select(complex.rank(), which).contiguous();
}

Tensor joined(const Tensor& real, const Tensor& imaginary) {
  std::vector<std::int64_t> shape(real.shape().begin(), real.shape().end());
  shape.push_back(2);
  Tensor pairs = Tensor::empty(Shape(shape), real.dtype());
  pairs.select(real.rank(), 0).copy_(real);
  pairs.select(real.rank(), 1).copy_(imaginary);
  return pairs.view_as_complex();
}

std::map<std::string, Tensor> split_complex(const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, tensor] : tensors) {
    if (is_complex(tensor.dtype())) {
      result.emplace(name + std::string(real_suffix), part(tensor, 0));
      result.emplace(name + std::string(imaginary_suffix), part(tensor, 1));
    } else {
      result.emplace(name, tensor);
    }
  }
  return result;
}

std::map<std::string, Tensor> join_complex(const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, tensor] : tensors) {
    const bool is_real = name.ends_with(real_suffix), is_imaginary = name.ends_with(imaginary_suffix);
    if (!is_real && !is_imaginary) {
      if (!result.emplace(name, tensor).second) fail(ErrorKind::file, "tensor '{}' is there twice", name);
      continue;
    }
    const std::string whole = name.substr(0, name.size() - real_suffix.size());
    const std::string other = whole + std::string(is_real ? imaginary_suffix : real_suffix);
    const auto twin = tensors.find(other);
    if (twin == tensors.end()) fail(ErrorKind::file, "tensor '{}' has no '{}' beside it", name, other);
    if (is_complex(tensor.dtype()) || tensor.dtype() != twin->second.dtype() ||
        tensor.shape() != twin->second.shape()) {
      fail(ErrorKind::file, "tensors '{}' and '{}' are {} {} and {} {}; the parts must be real and alike",
           name, other, lrurec::name(tensor.dtype()), tensor.shape().str(),
           lrurec::name(twin->second.dtype()), twin->second.shape().str());
    }
    if (is_imaginary) continue;  // joined when its real part is met
    if (!result.emplace(whole, joined(tensor, twin->second)).second) {
      fail(ErrorKind::file, "tensor '{}' is there twice, whole and as parts", whole);
    }
  }
  return result;
}

/// What a parity fixture holds beside weights.
bool of_fixture(const std::string& name) {
  static const std::set<std::string> names{"input", "labels", "logits", "loss"};
  return names.contains(name) || name.starts_with("grads.");
}

std::map<std::string, Tensor> without_prefix(const std::map<std::string, Tensor>& tensors) {
  const auto has_prefix = [](const auto& entry) { return entry.first.starts_with(prefix); };
  if (std::none_of(tensors.begin(), tensors.end(), has_prefix)) return tensors;
  std::map<std::string, Tensor> result;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) {
      result.emplace(name.substr(prefix.size()), tensor);
    } else if (!of_fixture(name)) {
      fail(ErrorKind::file, "tensor '{}' lacks the prefix '{}' of the others", name, prefix);
    }
  }
  return result;
}

const Tensor& find(const nn::Safetensors& file, const std::string& name, int rank) {
  const auto it = file.tensors.find(name);
  if (it == file.tensors.end()) fail(ErrorKind::file, "tensor '{}' is missing", name);
  const Tensor& tensor = it->second;
  if (tensor.rank() != rank || tensor.numel() == 0) {
    fail(ErrorKind::file, "tensor '{}' has the shape {}", name, tensor.shape().str());
  }
  return tensor;
}

/// Sizes of the model, from the shapes. Contradictions among tensors show when the model is loaded.
model::ModelConfig config_of_shapes(const nn::Safetensors& file, Names names) {
  const bool ours = names == Names::ours;
  const std::string block = ours ? "blocks." : "model.lru_blocks.";
  model::ModelConfig config;
  const Tensor& embedding = find(file, ours ? "embedding.weight" : "embedding.token.weight", 2);
  config.num_items = embedding.size(0) - 1;
  config.hidden = embedding.size(1);
  config.channels = ours ? find(file, block + "0.lru.nu_log", 1).size(0)
                         : find(file, block + "0.lru_layer.params_log", 2).size(1);
  const auto has_block = [&](std::int64_t i) {
    const auto at = file.tensors.lower_bound(fmt::format("{}{}.", block, i));
    return at != file.tensors.end() && at->first.starts_with(fmt::format("{}{}.", block, i));
  };
  for (config.blocks = 1; has_block(config.blocks);) ++config.blocks;
  if (config.num_items < 1) fail(ErrorKind::file, "its embedding has no items");
  return config;
}

/// Metadata as numbers, truth values and texts; what is none is ErrorKind::file.
class Metadata {
 public:
  explicit Metadata(const std::map<std::string, std::string>& entries) : entries_(entries) {}

  /// A number of 0 or more, or `also`.
  template <class T>
  std::optional<T> number(const std::string& key, T also = 0) const {
    const auto it = entries_.find(key);
    if (it == entries_.end()) return std::nullopt;
    T value{};
    const char* last = it->second.data() + it->second.size();
    const auto [end, error] = std::from_chars(it->second.data(), last, value);
    if (error != std::errc{} || end != last || !(value >= 0 || value == also)) {
      fail(ErrorKind::file, "metadata '{}' is no number of 0 or more: '{}'", key, it->second);
    }
    return value;
  }

  std::optional<bool> truth(const std::string& key) const {
    const auto it = entries_.find(key);
    if (it == entries_.end()) return std::nullopt;
    if (it->second != "true" && it->second != "false") {
      fail(ErrorKind::file, "metadata '{}' is neither true nor false: '{}'", key, it->second);
    }
    return it->second == "true";
  }

  std::string text(const std::string& key) const {
    const auto it = entries_.find(key);
    return it == entries_.end() ? "" : it->second;
  }

  void agrees(const std::string& key, std::int64_t size) const {
    if (const auto told = number<std::int64_t>(key); told && *told != size) {
      fail(ErrorKind::file, "its metadata say {} {}, its tensors {}", key, *told, size);
    }
  }

 private:
  const std::map<std::string, std::string>& entries_;
};

Names names_of(const nn::Safetensors& file) {
  const bool ours = file.tensors.contains("embedding.weight");
  const bool published = file.tensors.contains("embedding.token.weight");
  if (ours == published) {
    fail(ErrorKind::file,
         "it holds {} 'embedding.weight' (lrurec's names) {} 'embedding.token.weight' (the published names); "
         "docs/weights.md lists both",
         ours ? "both" : "neither", ours ? "and" : "nor");
  }
  return ours ? Names::ours : Names::published;
}

/// The configuration of a model other than LRURec with the LRU. Its tensors are compared with it when they
/// are loaded.
model::ModelConfig config_of_metadata(const Metadata& metadata, const model::ModelInfo& info) {
  config::TrainConfig settings;
  settings.model = info.name;
  for (const auto& key : info.settings) {
    // A setting that did not exist when the file was written has the value that leaves all as it was; the
    // sizes are compared below.
    if (const std::string text = metadata.text(key); !text.empty()) {
      config::set(settings, key, text, "its metadata");
    }
  }
  settings.max_length = std::max<std::int64_t>(1, metadata.number<std::int64_t>("max_len").value_or(0));
  const auto items = metadata.number<std::int64_t>("num_items").value_or(0);
  const auto users = metadata.number<std::int64_t>("num_users").value_or(0);
  if (items < 1 || items >= INT32_MAX || users >= INT32_MAX) {
    fail(ErrorKind::file,
         "its metadata say {} items and {} users; give \"num_items\", and for a model that knows its users "
         "\"num_users\"",
         items, users);
  }
  return settings.model_config(items, users);
}

double numbers_in(const nn::Safetensors& file) {
  double numbers = 0;
  for (const auto& [name, tensor] : file.tensors) {
    numbers += static_cast<double>(tensor.numel()) * (is_complex(tensor.dtype()) ? 2 : 1);
  }
  return numbers;
}

/// Compares the sizes in the metadata with how many numbers the file has, before memory is taken for these
/// sizes.
void check_sizes(const Weights& weights, const model::ModelInfo& info) {
  const double numbers = numbers_in(weights.file);
  if (const double wanted = info.real_parameters(weights.config); numbers != wanted) {
    fail(ErrorKind::file,
         "by its metadata {} has {:.0f} numbers, its tensors have {:.0f}; the metadata must give every size: "
         "{}{}, num_items",
         info.name, wanted, numbers, fmt::join(info.settings, ", "), info.knows_users ? ", num_users" : "");
  }
}

/// The same for sizes from some tensors' shapes. Missing and odd tensors are named later, one by one; only
/// sizes that would take much memory before that are refused here.
void check_memory(const Weights& weights) {
  const double wanted = model::find_model(weights.config.model).real_parameters(weights.config),
               numbers = numbers_in(weights.file);
  if (wanted > 2 * numbers + 1e6) {
    fail(ErrorKind::file,
         "by the shapes of some tensors the model has {:.0f} numbers, but all tensors together have {:.0f}",
         wanted, numbers);
  }
}

constexpr double published_eps = 1e-5;  ///< of its layer norms, PyTorch's default

/// What the published model lacks for a configuration, "" if it lacks nothing.
std::string beyond_published(const model::ModelConfig& config) {
  if (config.channels != 2 * config.hidden) {
    return fmt::format("it has {} channels, this one {}", 2 * config.hidden, config.channels);
  }
  if (config.outer_gelu) return "it has no outer GELU";
  if (config.layer_norm_eps != published_eps) {
    return fmt::format("it has layer_norm_eps = {}, this one {}", published_eps, config.layer_norm_eps);
  }
  if (config.backbone != "lru") return fmt::format("it has the LRU, this one {}", config.backbone);
  if (config.gates || config.network != model::ModelConfig{}.network) {
    return "it has a GELU network and no gates";
  }
  if (config.norm_first) return "its norms come after the sublayers";
  if (config.item_norm) return "it scores by the items' vectors as they are";
  if (!config.layer_norm || !config.residual || !config.pffn) return "it has all parts, this one lacks some";
  return {};
}

void read_lrurec(Weights& weights, const Metadata& metadata) {
  weights.names = names_of(weights.file);
  weights.config = config_of_shapes(weights.file, weights.names);
  model::ModelConfig& config = weights.config;
  metadata.agrees("hidden", config.hidden);
  metadata.agrees("channels", config.channels);
  metadata.agrees("blocks", config.blocks);
  metadata.agrees("num_items", config.num_items);
  config.layer_norm_eps = metadata.number<double>("layer_norm_eps").value_or(config.layer_norm_eps);
  config.outer_gelu = metadata.truth("outer_gelu").value_or(false);
  config.layer_norm = metadata.truth("layer_norm").value_or(true);
  config.residual = metadata.truth("residual").value_or(true);
  config.pffn = metadata.truth("pffn").value_or(true);
  config.gates = metadata.truth("gates").value_or(false);
  config.norm_first = metadata.truth("norm_first").value_or(false);
  config.item_norm = metadata.truth("item_norm").value_or(false);
  if (const std::string network = metadata.text("network"); !network.empty()) {
    config.network = model::position_wise(network).name;
  }
  config.dropout = metadata.number<double>("dropout").value_or(config.dropout);
  config.lru_dropout = metadata.number<double>("lru_dropout", /*also=*/-1).value_or(config.lru_dropout);
  if (const std::string why = beyond_published(config); weights.names == Names::published && !why.empty()) {
    fail(ErrorKind::file,
         "its tensors have the published names, and the published model cannot compute what its metadata and "
         "shapes say ({})",
         why);
  }
  check_memory(weights);
}

void read_model(Weights& weights) {
  const Metadata metadata(weights.file.metadata);
  const std::string name = metadata.text("model");
  const std::string backbone = metadata.text("backbone");
  if ((name.empty() || name == model::ModelConfig{}.model) && (backbone.empty() || backbone == "lru")) {
    try {
      read_lrurec(weights, metadata);
    } catch (const Error& e) {
      if (!name.empty()) throw;
      fail(e.kind(), "{} (taken for {}, since its metadata name no \"model\")", e.what(),
           model::ModelConfig{}.model);
    }
  } else {
    const model::ModelInfo& info = model::find_model(name.empty() ? model::ModelConfig{}.model : name);
    weights.config = config_of_metadata(metadata, info);
    check_sizes(weights, info);
  }
  weights.about.max_length = metadata.number<std::int64_t>("max_len").value_or(0);
  weights.about.step = metadata.number<std::int64_t>("step").value_or(0);
  constexpr std::int64_t most_steps = std::int64_t{1} << 53;
  if (weights.about.step > most_steps) {
    fail(ErrorKind::file, "its metadata say step {}, which is more than 2^53; correct or remove \"step\"",
         weights.about.step);
  }
  weights.about.fingerprint = metadata.text("dataset_fingerprint");
}

/// A tensor of the file in the precision of the model, with only finite numbers.
Tensor usable(const std::string& name, const Tensor& tensor) {
  if (!is_inexact(tensor.dtype())) {
    fail(ErrorKind::file, "tensor '{}' is {}; weights are F32, F64 or C64", name,
         lrurec::name(tensor.dtype()));
  }
  Tensor result = tensor.to(is_complex(tensor.dtype()) ? DType::c64 : DType::f32);
  if (const auto at = nn::first_non_finite(result); at >= 0) {
    fail(ErrorKind::file, "tensor '{}' is not finite at entry {}", name, at);
  }
  return result;
}

/// Errors about a file's contents, with its name before them.
template <class F>
auto naming(const std::string& path, F&& f) {
  try {
    return f();
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::io || std::string_view(e.what()).starts_with(path)) throw;
    fail(ErrorKind::file, "{}: {}", path, e.what());
  }
}

void load_ours(const nn::Safetensors& file, model::Model& model) {
  std::map<std::string, nn::TensorRecord> records;
  for (const auto& [name, tensor] : file.tensors) records.emplace(name, nn::to_record(tensor));
  nn::load_records(records, model);
}

}  // namespace

nn::Safetensors to_safetensors(const model::Model& model, const About& about, Names names,
                               ComplexAs complex_as) {
  const model::ModelConfig& config = model.config();
  nn::Safetensors file;
  if (names == Names::published) {
    if (config.model != model::ModelConfig{}.model) {
      fail(ErrorKind::usage, "published names are those of LRURec, this is {}; export it with --names lrurec",
           model.info().title);
    }
    if (const std::string why = beyond_published(config); !why.empty()) {
      fail(ErrorKind::usage,
           "the published model cannot compute this one ({}); export it with --names lrurec", why);
    }
    file.tensors = model::to_published(model);
  } else {
    for (const auto& p : model.named_parameters()) file.tensors.emplace(p.name, p.variable.value().host());
  }
  if (complex_as == ComplexAs::split) file.tensors = split_complex(file.tensors);
  file.metadata = {{"model", config.model},
                   {"num_items", std::to_string(config.num_items)},
                   {"step", std::to_string(about.step)}};
  if (model.info().knows_users) file.metadata["num_users"] = std::to_string(config.num_users);
  const config::TrainConfig settings(config);
  for (const auto& setting : config::settings_of(settings)) {
    if (std::ranges::find(model.info().settings, setting.key) == model.info().settings.end()) continue;
    const auto* text = std::get_if<std::string config::TrainConfig::*>(&setting.member);  // not in quotes
    file.metadata[setting.key] = text != nullptr ? settings.**text : config::value_text(settings, setting);
  }
  if (about.max_length > 0) file.metadata["max_len"] = std::to_string(about.max_length);
  if (!about.fingerprint.empty()) file.metadata["dataset_fingerprint"] = about.fingerprint;
  return file;
}

Weights read_weights(const std::filesystem::path& path) {
  Weights weights;
  weights.path = path.string();
  naming(weights.path, [&] {
    weights.file = nn::read_safetensors(path);
    weights.file.tensors = join_complex(without_prefix(weights.file.tensors));
    for (auto& [name, tensor] : weights.file.tensors) tensor = usable(name, tensor);
    read_model(weights);
  });
  return weights;
}

void Weights::load_into(model::Model& model) const {
  naming(path, [&] {
    if (names == Names::ours) {
      load_ours(file, model);
    } else {
      model::load_published(file, "", model);
    }
    if (const std::string problem = model.problem(); !problem.empty()) fail(ErrorKind::file, "{}", problem);
  });
}

}  // namespace lrurec::exchange
