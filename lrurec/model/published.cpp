#include "lrurec/model/published.h"

#include <charconv>
#include <set>

#include "ops/ops.h"
#include "tensor/error.h"

namespace lrurec::model {
namespace {

struct Name {
  std::string published;
  std::string ours;
};

std::vector<Name> one_to_one(const ModelConfig& config) {
  std::vector<Name> names{{"embedding.token.weight", "embedding.weight"},
                          {"embedding.layer_norm.weight", "embedding_layer_norm.weight"},
                          {"embedding.layer_norm.bias", "embedding_layer_norm.bias"},
                          {"model.bias", "bias"}};
  // Both names within a block, before ".weight" and ".bias".
  const std::vector<Name> in_block{
      {"lru_layer.in_proj", "lru.in_proj"},       {"lru_layer.out_proj", "lru.out_proj"},
      {"lru_layer.layer_norm", "lru_layer_norm"}, {"feed_forward.w_1", "feed_forward.w_1"},
      {"feed_forward.w_2", "feed_forward.w_2"},   {"feed_forward.layer_norm", "feed_forward_layer_norm"}};
  for (std::int64_t i = 0; i < config.blocks; ++i) {
    for (const auto& [published, ours] : in_block) {
      for (const char* part : {"weight", "bias"}) {
        names.push_back({fmt::format("model.lru_blocks.{}.{}.{}", i, published, part),
                         fmt::format("blocks.{}.{}.{}", i, ours, part)});
      }
    }
  }
  return names;
}

std::string params_log(std::int64_t block) {
  return fmt::format("model.lru_blocks.{}.lru_layer.params_log", block);
}

/// The rows of params_log, in order.
std::vector<std::string> log_names(std::int64_t block) {
  const std::string prefix = fmt::format("blocks.{}.lru.", block);
  return {prefix + "nu_log", prefix + "theta_log", prefix + "gamma_log"};
}

const Tensor& find(const nn::Safetensors& file, const std::string& name, const Shape& shape, DType dtype) {
  const auto it = file.tensors.find(name);
  if (it == file.tensors.end()) fail(ErrorKind::file, "tensor '{}' is missing", name);
  const Tensor& tensor = it->second;
  if (tensor.shape() != shape || is_complex(tensor.dtype()) != is_complex(dtype)) {
    fail(ErrorKind::file, "tensor '{}' is {} {}, the model needs {} {}", name, lrurec::name(tensor.dtype()),
         tensor.shape().str(), lrurec::name(dtype), shape.str());
  }
  return tensor;
}

}  // namespace

void load_published(const nn::Safetensors& file, const std::string& prefix, Model& model) {
  std::set<std::string> used, set;
  for (const auto& [published, ours] : one_to_one(model.config())) {
    Variable parameter = model.parameter(ours);
    const Tensor& tensor = find(file, prefix + published, parameter.shape(), parameter.dtype());
    parameter.set_value(tensor.to(parameter.dtype()).clone());
    used.insert(prefix + published);
    set.insert(ours);
  }
  for (std::int64_t i = 0; i < model.config().blocks; ++i) {
    const std::string name = prefix + params_log(i);
    const DType dtype = model.parameter("bias").dtype();
    const Tensor& rows = find(file, name, {3, model.config().channels}, dtype);
    for (int row = 0; row < 3; ++row) {
      const std::string ours = log_names(i)[static_cast<std::size_t>(row)];
      model.parameter(ours).set_value(rows.select(0, row).to(dtype).clone());
      set.insert(ours);
    }
    used.insert(name);
  }
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(prefix) && !used.contains(name)) {
      fail(ErrorKind::file, "tensor '{}' is not part of a model of {} blocks", name, model.config().blocks);
    }
  }
  for (const auto& parameter : model.named_parameters()) {
    if (!set.contains(parameter.name)) {
      fail(ErrorKind::file,
           "the model has a parameter '{}', which the published model does not have; use the names of lrurec",
           parameter.name);
    }
  }
}

std::map<std::string, Tensor> to_published(const Model& model, bool gradients) {
  const auto take = [&](const std::string& name) {
    const Variable parameter = model.parameter(name);
    if (!gradients) return parameter.value().host();
    return parameter.grad().defined() ? parameter.grad().host()
                                      : Tensor::zeros(parameter.shape(), parameter.dtype());
  };
  std::map<std::string, Tensor> result;
  for (const auto& [published, ours] : one_to_one(model.config())) result.emplace(published, take(ours));
  for (std::int64_t i = 0; i < model.config().blocks; ++i) {
    Tensors rows;
    for (const auto& name : log_names(i)) rows.push_back(take(name).unsqueeze(0));
    result.emplace(params_log(i), ops::raw::concat(rows, 0));
  }
  return result;
}

ModelConfig config_of_fixture(const nn::Safetensors& file, const std::string& path) {
  const auto number = [&]<class T>(const char* key, T fallback, bool required) {
    const auto it = file.metadata.find(key);
    if (it == file.metadata.end()) {
      if (required)
        fail(ErrorKind::file, "{}: the metadata lack '{}', so this is no parity fixture", path, key);
      return fallback;
    }
    T value{};
    const auto [end, error] =
        std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
    if (error != std::errc{} || end != it->second.data() + it->second.size()) {
      fail(ErrorKind::file, "{}: metadata '{}' is not a number: '{}'", path, key, it->second);
    }
    return value;
  };
  ModelConfig config;
  config.hidden = number("hidden", std::int64_t{0}, true);
  config.channels = 2 * config.hidden;
  config.blocks = number("blocks", std::int64_t{0}, true);
  config.num_items = number("num_items", std::int64_t{0}, true);
  config.layer_norm_eps = number("layer_norm_eps", 1e-5, false);
  config.dropout = 0;
  const auto sane = [](std::int64_t x, std::int64_t most) { return x >= 1 && x <= most; };
  if (!sane(config.hidden, 65536) || !sane(config.blocks, 1024) || !sane(config.num_items, 1 << 30)) {
    fail(ErrorKind::file, "{}: hidden {}, blocks {} or num_items {} is out of range", path, config.hidden,
         config.blocks, config.num_items);
  }
  return config;
}

}  // namespace lrurec::model
