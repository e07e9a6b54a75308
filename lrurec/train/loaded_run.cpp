#include "lrurec/train/loaded_run.h"

#include "lrurec/model/models.h"
#include "tensor/error.h"

namespace lrurec::train {

std::unique_ptr<model::Model> load_model(const Checkpoint& checkpoint, const std::string& path) {
  auto model = model::make_model_without_values(model_config(checkpoint, checkpoint.parse_config(path)));
  load_parameters(checkpoint, path, *model);
  return model;
}

namespace {

bool can_load(const RunFolder& folder, const std::string& name) {
  try {
    folder.load(name);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

Checkpoint load_checkpoint(const RunFolder& folder, const std::string& name) {
  try {
    return folder.load(name);
  } catch (const Error& e) {
    if (name != "best" || !can_load(folder, "last")) throw;
    fail(e.kind(), "{}; last.ckpt has the weights of the last step (--checkpoint last)", e.what());
  }
}

LoadedRun load_run(const LoadOptions& options) {
  RunFolder folder = RunFolder::open(options.run);
  const std::string path = folder.checkpoint(options.checkpoint).string();
  const Checkpoint checkpoint = load_checkpoint(folder, options.checkpoint);
  config::TrainConfig config = checkpoint.parse_config(path);
  const std::filesystem::path data_path =
      options.data.empty() ? folder.data_path() : std::filesystem::path(options.data);
  if (options.data.empty() && !std::filesystem::exists(data_path)) {
    fail(ErrorKind::io, "the data set of {} is not at {} any more; say with --data where it is", options.run,
         data_path.string());
  }
  data::Dataset data = data::Dataset::load(data_path);
  if (data.fingerprint() != checkpoint.fingerprint) {
    fail(ErrorKind::file, "{} was trained on another data set than {} (fingerprint {}, not {}); {}",
         options.run, data_path.string(), checkpoint.fingerprint, data.fingerprint(),
         options.data.empty()
             ? "the file was made again since; prepare it as it was, or name a copy with --data"
             : "--data must name the same data set, as lrurec prepare made it then");
  }
  auto model = load_model(checkpoint, path);
  model->to(options.device);
  return {std::move(folder), path, checkpoint.progress.step, std::move(config), std::move(data),
          std::move(model)};
}

}  // namespace lrurec::train
