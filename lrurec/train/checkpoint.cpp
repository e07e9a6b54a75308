#include "lrurec/train/checkpoint.h"

#include <fmt/format.h>

#include <cmath>
#include <set>
#include <utility>

#include "lrurec/model/models.h"
#include "lrurec/train/weight_average.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tensor/error.h"

namespace lrurec::train {
namespace {

constexpr std::string_view file_kind = "run";

void check_progress(const Progress& p) {
  constexpr std::int64_t most = std::int64_t{1} << 53;
  const auto count = [](std::int64_t n) { return n >= 0 && n <= most; };
  const auto metric = [](double m) { return m == -1 || (m >= 0 && m <= 1); };
  if (!count(p.step) || !count(p.best_step) || p.best_step > p.step || !count(p.rounds_without_better) ||
      !count(p.loss_count) || !metric(p.best_recall) || !metric(p.best_ndcg) ||
      !metric(p.best_regular_recall) || !std::isfinite(p.loss_sum)) {
    fail(ErrorKind::file, "its progress cannot be (step {}, best step {}, Recall@10 {})", p.step, p.best_step,
         p.best_recall);
  }
}

/// Compares the sizes that the file claims with the bytes of parameters that it holds.
void check_sizes(const Checkpoint& checkpoint, const config::TrainConfig& config) {
  constexpr std::int64_t most_items = INT32_MAX - 1;
  if (checkpoint.num_items < 1 || checkpoint.num_items > most_items) {
    fail(ErrorKind::file, "it is for {} items; 1 to {} can be", checkpoint.num_items, most_items);
  }
  if (checkpoint.num_users < 0 || checkpoint.num_users > most_items) {
    fail(ErrorKind::file, "it is for {} users; 0 to {} can be", checkpoint.num_users, most_items);
  }
  double bytes = 0;
  for (const auto& [name, record] : checkpoint.parameters) bytes += static_cast<double>(record.bytes.size());
  const model::ModelInfo& info = model::find_model(config.model);
  const double wanted = sizeof(float) * info.real_parameters(model_config(checkpoint, config));
  if (bytes != wanted) {
    fail(ErrorKind::file, "a model {} of {} items, {} has {:.0f} bytes of parameters, the file {:.0f}",
         info.name, checkpoint.num_items, fmt::join(config::own_settings(config), ", "), wanted, bytes);
  }
}

/// Puts the file's name before what errors say about its content.
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
  nn::write_envelope(path, file_kind, newest_version, nn::to_bytes(*this));
}

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  Checkpoint checkpoint;
  const auto bytes = nn::read_envelope(path, file_kind, newest_version, &checkpoint.version);
  checkpoint = nn::from_bytes<Checkpoint>(bytes, path.string(), std::move(checkpoint));
  if (checkpoint.version == 1) checkpoint.progress.best_regular_recall = checkpoint.progress.best_recall;
  if (checkpoint.version <= 3) checkpoint.progress.best_ndcg = 1;  // so that no equal Recall@10 replaces it
  checkpoint.version = newest_version;
  naming(path.string(), [&] {
    check_progress(checkpoint.progress);
    check_sizes(checkpoint, checkpoint.parse_config("its configuration"));
  });
  return checkpoint;
}

config::TrainConfig Checkpoint::parse_config(const std::string& path) const {
  config::TrainConfig result;
  naming(path, [&] {
    config::parse_saved(result, config, "its configuration");
    config::check_together(result);
  });
  return result;
}

model::ModelConfig model_config(const Checkpoint& checkpoint, const config::TrainConfig& config) {
  return config.model_config(checkpoint.num_items, checkpoint.num_users);
}

void load_parameters(const Checkpoint& checkpoint, const std::string& path, model::Model& model) {
  naming(path, [&] {
    nn::load_records(checkpoint.parameters, model);
    if (const std::string problem = model.problem(); !problem.empty()) fail(ErrorKind::file, "{}", problem);
  });
}

void load_optimizer(const Checkpoint& checkpoint, const std::string& path, nn::Optimizer& optimizer) {
  naming(path, [&] {
    if (checkpoint.optimizer.empty())
      fail(ErrorKind::file,
           "it holds no optimiser state, as after lrurec import, so it cannot be resumed; its weights can be "
           "used as they are");
    auto wanted = optimizer.state();
    std::set<std::string> own;
    for (const auto& [name, record] : checkpoint.optimizer) {
      if (!WeightAverage::is_ours(name)) own.insert(name);
    }
    nn::check_names(wanted, own);
    for (auto& [name, tensor] : wanted) {
      const Tensor value =
          nn::from_record(checkpoint.optimizer.at(name), name, tensor.dtype(), tensor.shape());
      if (const std::string problem = optimizer.problem(name, value); !problem.empty()) {
        fail(ErrorKind::file, "{}", problem);
      }
      tensor.copy_(value);
    }
    optimizer.set_steps(checkpoint.progress.step);
  });
}

void load_average(const Checkpoint& checkpoint, const std::string& path, WeightAverage& average) {
  naming(path, [&] { average.load(checkpoint.optimizer); });
}

}  // namespace lrurec::train
