#include "lrurec/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "lrurec/util/numbers.h"
#include "tensor/error.h"

namespace lrurec::train {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Rounded to five places: these numbers are looked at, not computed with.
nlohmann::json eigenvalue_line(const model::LinearRecurrence& recurrence, std::int64_t step) {
  const auto rounded = [](double x) { return std::round(x * 1e5) / 1e5; };
  nlohmann::json blocks = nlohmann::json::array();
  for (const Tensor& block : recurrence.lambdas()) {
    const Tensor lambda = block.to(DType::c128).contiguous();
    nlohmann::json channels = nlohmann::json::array();
    for (std::int64_t k = 0; k < lambda.numel(); ++k) {
      const auto z = lambda.data<std::complex<double>>()[k];
      channels.push_back({rounded(z.real()), rounded(z.imag())});
    }
    blocks.push_back(std::move(channels));
  }
  return {{"step", step}, {"split", "val"}, {"lambda", std::move(blocks)}};
}

}  // namespace

void check_validation(const config::TrainConfig& config, const data::Dataset& data,
                      const std::string& place) {
  if (data.evaluated_users(data::Split::validation).empty()) {
    fail(ErrorKind::data, "{}: no user has a validation target ({})", place,
         data::need_of_targets(data.protocol()));
  }
  eval::check_negatives(config.eval_negatives, data.items());
}

Trainer::Trainer(const config::TrainConfig& config, const data::Dataset& data, const RunFolder& folder,
                 Events events)
    : config_(config),
      data_(data),
      folder_(folder),
      events_(std::move(events)),
      stepper_(config, data, {}, Stepper::Keeps::checkpoints) {
  if (config.average > 0) average_.emplace(stepper_.model(), config.average);
  validation_users_ =
      eval::users_to_validate(data, config.validate_users, static_cast<std::uint64_t>(config.seed));
}

void Trainer::resume(const Checkpoint& checkpoint, const std::string& path) {
  if (checkpoint.fingerprint != data_.fingerprint()) {
    fail(ErrorKind::file,
         "{}: the run was made with another data set (fingerprint {}, not {}); give that data set, as lrurec "
         "prepare made it then",
         path, checkpoint.fingerprint, data_.fingerprint());
  }
  const config::TrainConfig had = checkpoint.parse_config(path);
  const auto changed = config::differences(had, config_);
  if (!changed.empty()) {
    const bool length = std::ranges::any_of(
        changed, [](const std::string& key) { return key == "max_steps" || key == "max_epochs"; });
    fail(ErrorKind::file, "{}: a resumed run cannot change {}{}; start a new one for that{}", path,
         fmt::join(config::told_differences(had, config_), ", "),
         length ? ", since its learning rate falls to the last step" : "",
         length ? " (begun with lr_decay_steps, which says where the rate ends, it can be prolonged)" : "");
  }
  if (checkpoint.progress.step > planned_steps()) {
    fail(ErrorKind::usage,
         "{} is at step {}, further than the {} asked for; set --max-steps or --max-epochs higher", path,
         checkpoint.progress.step, planned_steps());
  }
  load_parameters(checkpoint, path, stepper_.model());
  load_optimizer(checkpoint, path, stepper_.optimizer());
  if (average_) load_average(checkpoint, path, *average_);
  progress_ = checkpoint.progress;
  collected_ = progress_.step;
}

const Progress& Trainer::run() {
  const auto exhausted = [&] {
    return config_.patience > 0 && progress_.rounds_without_better >= config_.patience;
  };
  const auto finish = [&](const std::string& why) -> const Progress& {
    collect();
    progress_.finished = why;
    folder_.save_last(snapshot(Purpose::to_resume));
    return progress_;
  };
  if (!progress_.finished.empty() && progress_.step >= planned_steps()) {
    return finish(progress_.finished);  // nothing left to do, but other limits may have been asked for
  }
  if (progress_.best_recall < 0) {
    folder_.save_last(
        snapshot(Purpose::to_resume));  // from here on the folder holds a run that can be continued
    validate(Round::regular);           // step 0
  }
  while (true) {
    if (exhausted())
      return finish(fmt::format("no better {}Recall@10 in {}", config_.eval_negatives > 0 ? "sampled " : "",
                                util::counted(config_.patience, "round")));
    if (progress_.step >= planned_steps()) {
      if (progress_.step % config_.validate_every != 0) validate(Round::at_the_end);
      return finish(planned_steps() == 1 ? "its one step done"
                                         : fmt::format("all {} steps done", planned_steps()));
    }
    progress_.finished.clear();
    train_step();
    if (progress_.step % config_.validate_every == 0) {
      validate(Round::regular);
      folder_.save_last(snapshot(Purpose::to_resume));
    }
    const bool complete =
        exhausted() || (progress_.step >= planned_steps() && progress_.step % config_.validate_every == 0);
    if (!complete && events_.stop_requested()) {
      collect();
      folder_.save_last(snapshot(Purpose::to_resume));
      return progress_;
    }
  }
}

eval::Evaluation Trainer::evaluate() const {
  constexpr auto split = data::Split::validation;
  const eval::Mask mask = eval::parse_mask(config_.mask);
  if (config_.eval_negatives == 0) {
    return eval::evaluate(data_, validated(),
                          {.split = split,
                           .max_length = config_.max_length,
                           .with_loss = true,
                           .mask = mask,
                           .users = validation_users_});
  }
  return eval::evaluate_sampled(data_,
                                eval::model_candidate_scorer(validated(), data_, split, config_.max_length),
                                {.split = split,
                                 .max_length = config_.max_length,
                                 .negatives = config_.eval_negatives,
                                 .seed = static_cast<std::uint64_t>(config_.seed),
                                 .with_loss = true,
                                 .mask = mask,
                                 .users = validation_users_});
}

void Trainer::train_step() {
  if (collected_ == progress_.step) collected_at_ = std::chrono::steady_clock::now();
  stepper_.start(progress_.step);
  ++progress_.step;
  if (average_) average_->update(model(), progress_.step);
  if (!stepper_.device().is_cuda() || progress_.step % config_.log_every == 0) collect();
}

void Trainer::collect() {
  const std::vector<Stepper::Result> results = stepper_.finish();
  const double seconds = seconds_since(collected_at_) / static_cast<double>(results.size());
  for (const Stepper::Result& result : results) {
    ++collected_;
    progress_.loss_sum += result.loss;
    ++progress_.loss_count;
    seconds_sum_ += seconds;
    ++seconds_count_;
    if (collected_ % config_.log_every == 0) {
      folder_.log({{"step", collected_},
                   {"split", "train"},
                   {"loss", progress_.loss_sum / static_cast<double>(progress_.loss_count)},
                   {"gradient_norm", result.gradient_norm},
                   {"learning_rate", result.learning_rate},
                   {"step_seconds", seconds_sum_ / static_cast<double>(seconds_count_)},
                   {"tokens", result.tokens}});
      progress_.loss_sum = 0;
      progress_.loss_count = 0;
      seconds_sum_ = 0;
      seconds_count_ = 0;
    }
    events_.on_step({collected_, planned_steps(), result.loss, result.gradient_norm, result.tokens, seconds});
  }
}

void Trainer::validate(Round round) {
  collect();                              // an error of a step comes out before anything is saved
  stepper_.check_stable(progress_.step);  // names the broken weight and the step, which scores could not
  const auto start = std::chrono::steady_clock::now();
  const eval::Evaluation evaluation = evaluate();

  const double recall = evaluation.metrics.at("Recall@10"), ndcg = evaluation.metrics.at("NDCG@10");
  const bool best = std::exchange(best_is_lost_, false) ||
                    std::pair(recall, ndcg) > std::pair(progress_.best_recall, progress_.best_ndcg);
  if (round == Round::regular) {
    const bool better = recall > progress_.best_regular_recall;
    progress_.rounds_without_better = better ? 0 : progress_.rounds_without_better + 1;
    if (better) progress_.best_regular_recall = recall;
  }
  if (best) {
    progress_.best_recall = recall;
    progress_.best_ndcg = ndcg;
    progress_.best_step = progress_.step;
  }
  nlohmann::json line{
      {"step", progress_.step}, {"split", "val"}, {evaluation.label("loss"), *evaluation.loss}};
  if (config_.validate_users > 0) line["users"] = evaluation.metrics.users();
  if (evaluation.sampled > 0) line["candidates"] = evaluation.candidates();
  for (const auto& [name, number] : evaluation.metrics.all()) line[evaluation.label(name)] = number;
  const auto* recurrence = validated().recurrence();
  if (recurrence != nullptr) line["mean_abs_lambda"] = recurrence->mean_abs_lambda();
  folder_.log(line);
  if (recurrence != nullptr) folder_.log_eigenvalues(eigenvalue_line(*recurrence, progress_.step));
  folder_.write_metrics_table();
  if (best) folder_.save_best(snapshot(Purpose::best));
  events_.on_validation({progress_.step, &evaluation, best, seconds_since(start)});
}

Checkpoint Trainer::snapshot(Purpose purpose) const {
  stepper_.check_stable(progress_.step);
  release_memory_cache();  // a checkpoint is made of copies, and needs the memory that steps left behind
  Checkpoint checkpoint{config::to_toml(config_),
                        data_.fingerprint(),
                        data_.items(),
                        data_.users(),
                        progress_,
                        nn::to_records(purpose == Purpose::best ? validated() : model()),
                        {}};
  if (purpose == Purpose::best) return checkpoint;
  for (const auto& [name, tensor] : stepper_.optimizer().state()) {
    checkpoint.optimizer.emplace(name, nn::to_record(tensor));
  }
  if (average_) checkpoint.optimizer.merge(average_->records());
  return checkpoint;
}

}  // namespace lrurec::train
