#include "lrurec/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "lrurec/data/negatives.h"
#include "tensor/error.h"

namespace lrurec::train {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The published implementation's decay groups: all but biases and layer norms, the logs of the LRU included.
bool decays(const std::string& name) {
  return name.find("bias") == std::string::npos && name.find("layer_norm") == std::string::npos;
}

nn::AdamOptions adam_options(const config::TrainConfig& c) {
  return {.lr = c.learning_rate,
          .beta1 = c.beta1,
          .beta2 = c.beta2,
          .eps = c.adam_eps,
          .weight_decay = c.weight_decay,
          .decays = decays};
}

}  // namespace

Trainer::Trainer(const config::TrainConfig& config, const data::Dataset& data, const RunFolder& folder,
                 Events events)
    : config_(config),
      data_(data),
      folder_(folder),
      events_(std::move(events)),
      batcher_(data, config.max_length, config.batch_size, static_cast<std::uint64_t>(config.seed)),
      model_(config.model(data.items()), static_cast<std::uint64_t>(config.seed)),
      optimizer_(model_.named_parameters(), adam_options(config)) {}

void Trainer::resume(const Checkpoint& checkpoint, const std::string& path) {
  if (checkpoint.fingerprint != data_.fingerprint()) {
    fail(ErrorKind::file, "{}: the run was made with another data set (fingerprint {} instead of {})", path,
         checkpoint.fingerprint, data_.fingerprint());
  }
  const auto keys = config::differences(checkpoint.parse_config(path), config_);
  if (!keys.empty()) {
    fail(ErrorKind::file, "{}: a resumed run cannot change {}; start a new one for that", path,
         fmt::join(keys, ", "));
  }
  load_parameters(checkpoint, path, model_);
  load_optimizer(checkpoint, path, optimizer_);
  progress_ = checkpoint.progress;
}

std::int64_t Trainer::planned_steps() const {
  const std::int64_t by_epochs = config_.max_epochs * batcher_.steps_per_epoch();
  return config_.max_steps > 0 ? std::min(config_.max_steps, by_epochs) : by_epochs;
}

const Progress& Trainer::run() {
  const auto exhausted = [&] {
    return config_.patience > 0 && progress_.rounds_without_better >= config_.patience;
  };
  const auto finish = [&](const std::string& why) -> const Progress& {
    progress_.finished = why;
    folder_.save_last(snapshot(true));
    return progress_;
  };
  if (!progress_.finished.empty() && progress_.step >= planned_steps())
    return progress_;                         // nothing left to do
  if (progress_.best_recall < 0) validate();  // step 0
  while (true) {
    if (exhausted())
      return finish(fmt::format("no better {}Recall@10 in {} rounds",
                                config_.eval_negatives > 0 ? "sampled " : "", config_.patience));
    if (progress_.step >= planned_steps()) {
      if (progress_.step % config_.validate_every != 0) validate();
      return finish(fmt::format("all {} steps done", planned_steps()));
    }
    progress_.finished.clear();
    train_step();
    if (progress_.step % config_.validate_every == 0) {
      validate();
      folder_.save_last(snapshot(true));
    }
    if (events_.stop_requested()) {
      folder_.save_last(snapshot(true));
      return progress_;
    }
  }
}

Variable Trainer::loss(const data::PackedBatch& batch) const {
  const auto seed = static_cast<std::uint64_t>(config_.seed);
  const nn::ForwardContext context{true, seed, static_cast<std::uint64_t>(progress_.step)};
  const Tensor items = Tensor::from(batch.items), offsets = Tensor::from(batch.offsets),
               labels = Tensor::from(batch.labels);
  if (config_.negatives == 0) return model_.loss(items, offsets, labels, context);
  const Shape shape =
      config_.negatives_shared ? Shape{config_.negatives} : Shape{batch.tokens(), config_.negatives};
  const Tensor negatives = data::draw_negatives(seed, progress_.step, shape, data_.items());
  return model_.sampled_loss(items, offsets, labels, negatives, config_.log_correction, context);
}

eval::Evaluation Trainer::evaluate() const {
  constexpr auto split = data::Split::validation;
  if (config_.eval_negatives == 0) {
    return eval::evaluate(data_, model_, {split, config_.max_length, 0, /*with_loss=*/true});
  }
  return eval::evaluate_sampled(data_, eval::model_candidate_scorer(model_, data_, split, config_.max_length),
                                {.split = split,
                                 .max_length = config_.max_length,
                                 .negatives = config_.eval_negatives,
                                 .seed = static_cast<std::uint64_t>(config_.seed),
                                 .with_loss = true});
}

void Trainer::train_step() {
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t step = progress_.step, per_epoch = batcher_.steps_per_epoch();
  const data::PackedBatch batch = batcher_.batch(step / per_epoch, step % per_epoch);

  const Variable mean = loss(batch);
  const double value = static_cast<double>(mean.value().item<float>());
  if (!std::isfinite(value)) fail_non_finite(fmt::format("the loss is {}", value));
  mean.backward();
  double norm = 0;
  try {
    norm = nn::finite_gradient_norm(optimizer_.parameters());
  } catch (const Error& e) {
    fail_non_finite(e.what());
  }
  optimizer_.step(nn::clip_factor(norm, config_.clip_norm));
  model_.zero_grad();  // here, so that validation and checkpoints have the memory
  ++progress_.step;

  loss_sum_ += value;
  ++loss_count_;
  const double seconds = seconds_since(start);
  if (progress_.step % config_.log_every == 0) {
    folder_.log({{"step", progress_.step},
                 {"split", "train"},
                 {"loss", loss_sum_ / static_cast<double>(loss_count_)},
                 {"gradient_norm", norm},
                 {"step_seconds", seconds},
                 {"tokens", batch.tokens()}});
    loss_sum_ = 0;
    loss_count_ = 0;
  }
  events_.on_step({progress_.step, planned_steps(), value, norm, batch.tokens(), seconds});
}

void Trainer::validate() {
  const auto start = std::chrono::steady_clock::now();
  const eval::Evaluation evaluation = evaluate();

  const double recall = evaluation.metrics.at("Recall@10");
  const bool best = recall > progress_.best_recall;
  progress_.rounds_without_better = best ? 0 : progress_.rounds_without_better + 1;
  if (best) {
    progress_.best_recall = recall;
    progress_.best_step = progress_.step;
  }
  nlohmann::json line{
      {"step", progress_.step}, {"split", "val"}, {evaluation.label("loss"), *evaluation.loss}};
  if (evaluation.sampled > 0) line["candidates"] = evaluation.candidates();
  for (const auto& [name, number] : evaluation.metrics.all()) line[evaluation.label(name)] = number;
  line["mean_abs_lambda"] = model_.mean_abs_lambda();
  folder_.log(line);
  if (best) folder_.save_best(snapshot(false));
  events_.on_validation({progress_.step, &evaluation, best, seconds_since(start)});
}

Checkpoint Trainer::snapshot(bool with_optimizer) const {
  release_cpu_cache();  // a checkpoint is made of copies, and needs the memory that steps left behind
  Checkpoint checkpoint{
      config::to_toml(config_), data_.fingerprint(), data_.items(), progress_, nn::to_records(model_), {}};
  if (with_optimizer) {
    for (const auto& [name, tensor] : optimizer_.state())
      checkpoint.optimizer.emplace(name, nn::to_record(tensor));
  }
  return checkpoint;
}

void Trainer::fail_non_finite(const std::string& what) const {
  std::string first;
  for (const auto& p : model_.named_parameters()) {
    if (const auto at = nn::first_non_finite(p.variable.value()); at >= 0) {
      first = fmt::format("; the first broken parameter is {} at entry {}", p.name, at);
      break;
    }
  }
  fail(ErrorKind::non_finite,
       "step {}: {}{} (learning rate {}, max |lambda| {:.6g}); the checkpoints before it are intact, try a "
       "smaller "
       "--learning-rate",
       progress_.step + 1, what, first, config_.learning_rate, model_.max_abs_lambda());
}

}  // namespace lrurec::train
