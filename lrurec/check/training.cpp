#include "lrurec/check/training.h"

#include <bit>
#include <cmath>
#include <map>

#include "lrurec/train/stepper.h"
#include "nn/serialization/module_file.h"

namespace lrurec::check {
namespace {

struct Training {
  std::vector<double> losses, norms;
  std::map<std::string, nn::TensorRecord> parameters;
};

Training train(const config::TrainConfig& config, const data::Dataset& data, std::int64_t steps,
               const train::GpuWays& ways) {
  train::Stepper stepper(config, data, ways);
  for (std::int64_t step = 0; step < steps; ++step) stepper.start(step);
  Training result;
  for (const auto& step : stepper.finish()) {
    result.losses.push_back(step.loss);
    result.norms.push_back(step.gradient_norm);
  }
  result.parameters = nn::to_records(stepper.model());
  return result;
}

std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

}  // namespace

double StepPair::difference() const { return std::abs(gpu_loss - cpu_loss) / std::abs(cpu_loss); }

double training_tolerance(bool tf32) { return tf32 ? 5e-3 : 1e-4; }

std::vector<StepPair> check_training(const config::TrainConfig& config, const data::Dataset& data,
                                     std::int64_t steps, const std::function<void(const StepPair&)>& show,
                                     const train::GpuWays& ways) {
  config::TrainConfig on_cpu = config;
  on_cpu.device = "cpu";
  on_cpu.bf16 = false;  // a GPU has none
  train::Stepper cpu(on_cpu, data), gpu(config, data, ways);
  std::vector<StepPair> pairs;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto a = cpu.run(step), b = gpu.run(step);
    pairs.push_back(
        {step + 1, a.loss, b.loss, a.gradient_norm, b.gradient_norm, training_tolerance(config.tf32)});
    show(pairs.back());
  }
  return pairs;
}

std::string check_repeats(const config::TrainConfig& config, const data::Dataset& data, std::int64_t steps,
                          std::int64_t repeats, const train::GpuWays& ways) {
  const Training first = train(config, data, steps, {.head = ways.head});
  for (std::int64_t run = 2; run <= repeats; ++run) {
    const Training again = train(config, data, steps, ways);
    for (std::size_t s = 0; s < first.losses.size(); ++s) {
      if (bits(first.losses[s]) != bits(again.losses[s]) || bits(first.norms[s]) != bits(again.norms[s])) {
        return fmt::format("run {} differs at step {}: loss {} and {}, gradient norm {} and {}", run, s + 1,
                           first.losses[s], again.losses[s], first.norms[s], again.norms[s]);
      }
    }
    for (const auto& [name, record] : first.parameters) {
      if (again.parameters.at(name).bytes != record.bytes) {
        return fmt::format("run {}: parameter {} ends with other bits", run, name);
      }
    }
  }
  return {};
}

}  // namespace lrurec::check
