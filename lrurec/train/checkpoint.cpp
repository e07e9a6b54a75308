#include "lrurec/train/checkpoint.h"

#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tensor/error.h"

namespace lrurec::train {
namespace {

constexpr std::string_view file_kind = "run";
constexpr std::uint32_t file_version = 1;

/// Errors of the tensors, with the file's name before them.
template <class F>
void naming(const std::string& path, F&& f) {
  try {
    f();
  } catch (const Error& e) {
    fail(ErrorKind::file, "{}: {}", path, e.what());
  }
}

/// Names that only one side has.
template <class Wanted>
void check_names(const Wanted& wanted, const std::map<std::string, nn::TensorRecord>& found) {
  for (const auto& [name, record] : found) {
    if (!wanted.contains(name)) fail(ErrorKind::file, "tensor '{}' is not part of this model", name);
  }
  for (const auto& [name, tensor] : wanted) {
    if (!found.contains(name)) fail(ErrorKind::file, "tensor '{}' is missing", name);
  }
}

}  // namespace

void Checkpoint::save(const std::filesystem::path& path) const {
  nn::write_envelope(path, file_kind, file_version, nn::to_bytes(*this));
}

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  return nn::from_bytes<Checkpoint>(nn::read_envelope(path, file_kind, file_version), path.string());
}

config::TrainConfig Checkpoint::parse_config(const std::string& path) const {
  config::TrainConfig result;
  naming(path, [&] { config::parse_toml(result, config, "its configuration"); });
  return result;
}

std::map<std::string, nn::TensorRecord> records_of(const nn::Module& module) {
  std::map<std::string, nn::TensorRecord> records;
  for (const auto& p : module.named_parameters()) records.emplace(p.name, nn::to_record(p.variable.value()));
  return records;
}

void load_parameters(const Checkpoint& checkpoint, const std::string& path, model::LRURec& model) {
  naming(path, [&] {
    std::map<std::string, Variable> wanted;
    for (const auto& p : model.named_parameters()) wanted.emplace(p.name, p.variable);
    check_names(wanted, checkpoint.parameters);
    for (auto& [name, variable] : wanted) {
      const Tensor value =
          nn::from_record(checkpoint.parameters.at(name), name, variable.dtype(), variable.shape());
      if (const auto at = nn::first_non_finite(value); at >= 0) {
        fail(ErrorKind::file, "tensor '{}' is not finite at entry {}", name, at);
      }
      variable.set_value(value);
    }
    if (!(model.max_abs_lambda() < 1)) {
      fail(ErrorKind::file, "an eigenvalue has modulus {}, so the recurrence is not stable",
           model.max_abs_lambda());
    }
  });
}

void load_optimizer(const Checkpoint& checkpoint, const std::string& path, nn::Optimizer& optimizer) {
  naming(path, [&] {
    if (checkpoint.optimizer.empty())
      fail(ErrorKind::file, "it holds no optimiser state, so it cannot be resumed");
    auto wanted = optimizer.state();
    check_names(wanted, checkpoint.optimizer);
    for (auto& [name, tensor] : wanted) {
      tensor.copy_(nn::from_record(checkpoint.optimizer.at(name), name, tensor.dtype(), tensor.shape()));
    }
    optimizer.set_steps(checkpoint.progress.step);
  });
}

}  // namespace lrurec::train
