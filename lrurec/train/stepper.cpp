#include "lrurec/train/stepper.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lrurec/data/negatives.h"
#include "ops/matmul/bf16_products.h"
#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace lrurec::train {
namespace {

/// The flag of the setting that makes weights grow. A step multiplies them by 1 - learning_rate *
/// weight_decay, which is below -1 if either is very large.
const char* too_large(const config::TrainConfig& config) {
  const bool decay_overshoots = config.learning_rate * config.weight_decay > 2;
  return decay_overshoots && config.weight_decay > config.learning_rate ? "--weight-decay"
                                                                        : "--learning-rate";
}

/// What an error after `steps` good steps recommends: a new run in another folder, since a resumed run cannot
/// change its learning rate and a folder with a checkpoint takes no new run. An error of the first step has
/// no earlier steps to point to.
std::string remedy(std::int64_t steps, Stepper::Keeps keeps, const config::TrainConfig& config) {
  if (steps == 0)
    return "no step came before it, so it is not the learning rate; start a new run with other settings";
  if (keeps == Stepper::Keeps::nothing) return fmt::format("a smaller {} may help", too_large(config));
  return fmt::format(
      "the checkpoints before it are intact; start a new run, in another folder, with a smaller {}",
      too_large(config));
}

nn::AdamOptions adam_options(const config::TrainConfig& c, const GpuWays& ways) {
  return {.lr = c.learning_rate,
          .beta1 = c.beta1,
          .beta2 = c.beta2,
          .eps = c.adam_eps,
          .gpu_pieces = ways.update_pieces};
}

model::Work work_of(const data::BatchTensors& batch) {
  model::Work work{.tokens = static_cast<double>(batch.items.numel()),
                   .token_pairs = 0,
                   .rows = static_cast<double>(batch.labels.numel())};
  const Tensor offsets = batch.offsets.host();
  for (std::int64_t s = 0; s + 1 < offsets.numel(); ++s) {
    const auto* at = offsets.data<std::int64_t>() + s;
    work.token_pairs += static_cast<double>(at[1] - at[0]) * static_cast<double>(at[1] - at[0]);
  }
  return work;
}

}  // namespace

Device prepare_device(const config::TrainConfig& config) {
  const Device device = require_device(Device::parse(config.device));
  if constexpr (cuda_enabled) {
    if (device.is_cuda()) cuda::set_tf32(config.tf32);
  }
  return device;
}

Stepper::Stepper(const config::TrainConfig& config, const data::Dataset& data, const GpuWays& ways,
                 Keeps keeps)
    : config_(config),
      ways_(ways),
      keeps_(keeps),
      data_(data),
      device_(prepare_device(config)),
      batcher_(data, config.examples(), config.batch_size, static_cast<std::uint64_t>(config.seed)),
      model_(model::make_model(config.model_config(data.items(), data.users()),
                               static_cast<std::uint64_t>(config.seed))),
      optimizer_((model_->to(device_), nn::decay_groups(*model_, config.weight_decay)),
                 adam_options(config, ways)),
      schedule_{nn::parse_schedule(config.lr_schedule), config.warmup_steps,
                config.lr_decay_steps > 0 ? config.lr_decay_steps : planned_steps(), config.lr_final_share} {
  if (!device_.is_cuda() && ways_ != GpuWays{}) {
    fail(ErrorKind::usage,
         "--head, --head-chunk, --graphs and --update-pieces are for a GPU; add --device cuda, or leave them "
         "out");
  }
  if (config.examples().kind == data::ExampleKind::windows && config.max_length < 2) {
    fail(ErrorKind::usage,
         "max_length = {} leaves {} nothing to learn from but the start token; set --max-length to 2 or more",
         config.max_length, model_->info().title);
  }
  check_schedule();  // here, before any validation round
  // Other examples than windows are packed on the host.
  if (device_.is_cuda() && config.examples().kind == data::ExampleKind::windows) {
    on_gpu_.emplace(data, config.max_length, device_);
  }
}

std::int64_t Stepper::planned_steps() const {
  std::int64_t by_epochs = 0;
  if (config_.max_epochs == 0 || __builtin_mul_overflow(config_.max_epochs, steps_per_epoch(), &by_epochs)) {
    by_epochs = no_limit;
  }
  return config_.max_steps > 0 ? std::min(config_.max_steps, by_epochs) : by_epochs;
}

void Stepper::check_schedule() const {
  if (config_.lr_schedule != "constant" && config_.lr_decay_steps == 0 && planned_steps() == no_limit) {
    fail(ErrorKind::usage,
         "lr_schedule = {} falls until the last step, but the steps have no limit; set --max-steps, "
         "--max-epochs or --lr-decay-steps",
         config_.lr_schedule);
  }
  if (schedule_.is_possible()) return;
  const auto [key, flag] = config_.lr_decay_steps > 0 ? std::pair("lr_decay_steps", "--lr-decay-steps")
                           : config_.max_steps == planned_steps() ? std::pair("max_steps", "--max-steps")
                                                                  : std::pair("max_epochs", "--max-epochs");
  fail(ErrorKind::usage,
       "the learning rate rises for {} steps (warmup_steps), but must have fallen after {} ({}); set "
       "--warmup-steps to fewer, or {} to more",
       config_.warmup_steps, schedule_.decay_steps, key, flag);
}

Stepper::Result Stepper::run(std::int64_t step) {
  start(step);
  return finish().back();
}

void Stepper::start(std::int64_t step) {
  const std::int64_t per_epoch = batcher_.steps_per_epoch();
  const data::BatchTensors inputs = batch(step / per_epoch, step % per_epoch);
  started_.push_back(ways_.graphs ? send_recorded(step, inputs) : send(step, inputs));
}

Stepper::Started Stepper::send(std::int64_t step, const data::BatchTensors& inputs) {
  const ops::Bf16Products products(config_.bf16);
  const Variable mean = loss(inputs, step);
  if (!device_.is_cuda()) {  // on a GPU clip_and_step looks at it
    const double value = static_cast<double>(mean.value().item<float>());
    if (!std::isfinite(value)) fail_non_finite(step, fmt::format("the loss is {}", value));
  }
  mean.backward();
  optimizer_.set_lr(learning_rate(step));
  try {
    const Started started{step, std::max(inputs.items.numel(), inputs.labels.numel()), optimizer_.lr(),
                          work_of(inputs), optimizer_.clip_and_step(config_.clip_norm, mean.value())};
    model_->zero_grad();  // here, so that validation and checkpoints have the memory
    return started;
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::non_finite) throw;
    fail_non_finite(step, e.what());
  }
}

Stepper::Started Stepper::send_recorded(std::int64_t step, const data::BatchTensors& inputs) {
  const auto bucket = StepBucket::of(inputs.items.numel(), inputs.offsets.numel() - 1);
  const auto [at, first] = graphs_.try_emplace(bucket);
  if (first) return send(step, inputs);
  if constexpr (cuda_enabled) {
    cuda::Recording recording;
    const Started started = send(step, inputs);
    recording.start(at->second);
    ++recorded_steps_;
    return started;
  }
  fail(ErrorKind::internal, "this build has no CUDA graphs");
}

Stepper::Graphs Stepper::graphs() const {
  Graphs graphs{.buckets = std::ssize(graphs_), .recorded_steps = recorded_steps_};
  for (const auto& [bucket, graph] : graphs_) graphs.made += graph.made();
  return graphs;
}

std::vector<Stepper::Result> Stepper::finish() {
  std::vector<Result> results;
  for (const Started& s : std::exchange(started_, {})) {
    const auto [loss, norm, problem] = s.clipped.read();
    if (!problem.empty()) fail_non_finite(s.step, problem);
    results.push_back({loss, norm, s.tokens, s.learning_rate, s.work});
  }
  return results;
}

data::BatchTensors Stepper::batch(std::int64_t epoch, std::int64_t index) {
  if (on_gpu_) return on_gpu_->pack(batcher_.batch_examples(epoch, index));
  return data::to_tensors(batcher_.batch(epoch, index), device_);
}

Variable Stepper::loss(const data::BatchTensors& batch, std::int64_t step) const {
  const auto seed = static_cast<std::uint64_t>(config_.seed);
  const nn::ForwardContext context{true, seed, static_cast<std::uint64_t>(step)};
  if (config_.negatives == 0) return model_->loss(batch, context, ways_.head, config_.label_smoothing);
  const Shape shape =
      config_.negatives_shared ? Shape{config_.negatives} : Shape{batch.labels.numel(), config_.negatives};
  const IndexTensor negatives = data::draw_negatives(seed, step, shape, data_.items());
  return model_->sampled_loss(batch, negatives, config_.log_correction, context);
}

std::string Stepper::first_broken_parameter() const {
  for (const auto& p : model_->named_parameters()) {
    if (const auto at = nn::first_non_finite(p.variable.value()); at >= 0) {
      return fmt::format("parameter {} at entry {}", p.name, at);
    }
  }
  return "";
}

void Stepper::check_stable(std::int64_t steps) const {
  const std::string broken = first_broken_parameter();
  const std::string problem = broken.empty() ? model_->problem() : broken + " is not finite";
  if (problem.empty()) return;
  fail(ErrorKind::non_finite, "after step {} {} (learning rate {}); {}", steps, problem,
       learning_rate(std::max<std::int64_t>(steps - 1, 0)), remedy(steps, keeps_, config_));
}

void Stepper::fail_non_finite(std::int64_t step, const std::string& what) const {
  const std::string broken = first_broken_parameter();
  const auto* recurrence = model_->recurrence();
  fail(ErrorKind::non_finite, "step {}: {}{} (learning rate {}{}); {}", step + 1, what,
       broken.empty() ? "" : "; the first broken one is " + broken, learning_rate(step),
       recurrence != nullptr ? fmt::format(", max |lambda| {:.6g}", recurrence->max_abs_lambda()) : "",
       remedy(step, keeps_, config_));
}

}  // namespace lrurec::train
