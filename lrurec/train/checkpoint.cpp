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

}  // namespace

void Checkpoint::save(const std::filesystem::path& path) const {
  nn::write_envelope(path, file_kind, file_version, nn::to_bytes(*this));
}

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  return nn::from_bytes<Checkpoint>(nn::read_envelope(path, file_kind, file_version), path.string());
}

config::TrainConfig Checkpoint::parse_config(const std::string& path) const {
  config::TrainConfig result;
  naming(path, [&] { config::parse_saved(result, config, "its configuration"); });
  return result;
}

void load_parameters(const Checkpoint& checkpoint, const std::string& path, model::LRURec& model) {
  naming(path, [&] {
    nn::load_records(checkpoint.parameters, model);
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
    nn::check_names(wanted, checkpoint.optimizer);
    for (auto& [name, tensor] : wanted) {
      tensor.copy_(nn::from_record(checkpoint.optimizer.at(name), name, tensor.dtype(), tensor.shape()));
    }
    optimizer.set_steps(checkpoint.progress.step);
  });
}

}  // namespace lrurec::train
