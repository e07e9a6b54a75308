#include "lrurec/exchange/import_run.h"

#include "lrurec/model/models.h"
#include "nn/serialization/module_file.h"
#include "tensor/error.h"

namespace lrurec::exchange {
namespace {

void check_fits(const Weights& weights, const data::Dataset& data, bool other_data) {
  const std::string& told = weights.about.fingerprint;
  if (weights.config.num_items != data.items()) {
    fail(ErrorKind::file,
         "{}: the weights are for {} items, the data set has {}; prepare the data as those were that the "
         "model was trained on (same filter, same numbering of items)",
         weights.path, weights.config.num_items, data.items());
  }
  if (model::find_model(weights.config.model).knows_users && weights.config.num_users != data.users()) {
    fail(ErrorKind::file,
         "{}: the weights are for {} users, the data set has {}; the model has a vector for each, so it "
         "needs the data set that it was trained on",
         weights.path, weights.config.num_users, data.users());
  }
  if (!told.empty() && told != data.fingerprint() && !other_data) {
    fail(ErrorKind::file,
         "{}: the weights were trained on a data set of the fingerprint {}, this one has {}; where its items "
         "are the same in the same order, --other-data lets it pass",
         weights.path, told, data.fingerprint());
  }
}

/// The settings of the run; a size that no run may have is ErrorKind::file.
config::TrainConfig settings_of(const Weights& weights, std::int64_t max_length) {
  config::TrainConfig config(weights.config);
  config.preset = "imported";
  config.max_length = max_length;
  config::TrainConfig read_back;
  try {
    config::parse_saved(read_back, config::to_toml(config), "its sizes");
    config::check_together(config);
  } catch (const Error& e) {
    fail(ErrorKind::file, "{}: {}", weights.path, e.what());
  }
  return config;
}

}  // namespace

train::RunFolder import_run(const Weights& weights, const data::Dataset& data, std::int64_t max_length,
                            bool other_data, const nlohmann::json& description,
                            const std::filesystem::path& folder) {
  check_fits(weights, data, other_data);
  const config::TrainConfig config = settings_of(weights, max_length);
  const auto model = model::make_model_without_values(config.model_config(data.items(), data.users()));
  weights.load_into(*model);

  train::Checkpoint checkpoint{
      .config = config::to_toml(config),
      .fingerprint = data.fingerprint(),
      .num_items = data.items(),
      .num_users = data.users(),
      .progress = {.step = weights.about.step, .best_step = weights.about.step, .finished = "imported"},
      .parameters = nn::to_records(*model),
      .optimizer = {}};
  auto run = train::RunFolder::create(folder);
  try {
    run.write_description(description);
    run.write_config(config);
    run.save_last(checkpoint);  // first, as a training does: what a kill leaves can be used
    run.save_best(checkpoint);
  } catch (...) {
    run.discard();
    throw;
  }
  return run;
}

}  // namespace lrurec::exchange
