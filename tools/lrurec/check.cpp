// lrurec check: parity with the published model, gradients, training on two devices, and the GPU.

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "lrurec/check/gradients.h"
#include "lrurec/check/parity.h"
#include "lrurec/check/training.h"
#include "lrurec/model/models.h"
#include "lrurec/util/builds.h"
#include "ops/gradient_cases/gradient_cases.h"
#include "ops/matmul/bf16_products.h"
#include "ops/matmul/blas_info.h"
#include "tensor/cuda/runtime.h"
#include "tensor/device.h"
#include "tensor/error.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/gpu_flags.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/setting_flags.h"

namespace lrurec::command {
namespace {

struct ParityOptions {
  std::string fixture, precision = "f32", device = "cpu";
  bool json = false;
};

void run_parity(const ParityOptions& options) {
  const DType precision = options.precision == "f64" ? DType::f64 : DType::f32;
  const auto report =
      check::check_parity(options.fixture, precision, require_device(Device::parse(options.device)));
  std::int64_t failures = 0;
  nlohmann::json json{{"fixture", options.fixture},
                      {"precision", options.precision},
                      {"device", options.device},
                      {"ok", report.ok()}};
  std::vector<std::vector<std::string>> rows{{"largest difference of", "found", "allowed", ""}};
  for (const auto& line : report.lines) {
    failures += line.ok() ? 0 : 1;
    rows.push_back({line.name, fmt::format("{:.2e}", line.difference), fmt::format("{:.0e}", line.tolerance),
                    line.ok() ? "ok" : "DIFFERS"});
    json["differences"].push_back({{"name", line.name},
                                   {"difference", line.difference},
                                   {"tolerance", line.tolerance},
                                   {"ok", line.ok()}});
  }
  if (options.json) {
    print_json(json);
  } else {
    print_out("{}(logits absolute, loss relative, gradients relative to their norm)\n", table(rows));
  }
  if (failures > 0) {
    fail(ErrorKind::check_failed, "{}: {} of {} comparisons differ", options.fixture, failures,
         report.lines.size());
  }
}

struct GradOptions {
  std::string only, device = "cpu";
  bool json = false;
};

void run_grad(const GradOptions& options) {
  const Device device = require_device(Device::parse(options.device));
  std::int64_t cases = 0, failures = 0;
  nlohmann::json json = nlohmann::json::array();
  const auto show = [&](const std::string& name, const GradcheckReport& report) {
    ++cases;
    failures += report ? 0 : 1;
    json.push_back({{"case", name},
                    {"ok", report.ok()},
                    {"derivatives", report.checked},
                    {"largest_error", report.max_error},
                    {"mismatches", report.mismatches.size()}});
    if (!options.json) print_out("{}\n", report.str(name));
  };
  for (const auto& one : ops::gradient_cases()) {
    if (one.name().find(options.only) != std::string::npos) {
      show(one.name(), ops::check_gradients(ops::moved_to(one, device)));
    }
  }
  // The models' own cases run only on the CPU, where their small tensors are made. For a GPU there is check
  // parity.
  if (!device.is_cuda()) {
    for (const auto& [name, report] : check::check_model_gradients(options.only)) show(name, report);
  }
  if (cases == 0)
    fail(ErrorKind::usage,
         "no case has '{}' in its name; cases are called after operations (linear_scan) and models ({})",
         options.only, fmt::join(model::model_names(), ", "));
  if (options.json) print_json(json);
  if (failures > 0) fail(ErrorKind::check_failed, "{} of {} gradient checks failed", failures, cases);
  if (!options.json) print_out("{} cases, all gradients agree with central differences\n", cases);
}

struct TrainingOptions {
  std::string data;
  std::shared_ptr<SettingFlags> settings = std::make_shared<SettingFlags>();
  std::shared_ptr<train::GpuWays> ways = std::make_shared<train::GpuWays>();
  std::int64_t steps = 30, repeat = 0;
  bool json = false;
};

void run_repeats(const TrainingOptions& options, const config::TrainConfig& config,
                 const data::Dataset& data) {
  const std::string difference =
      check::check_repeats(config, data, options.steps, options.repeat, *options.ways);
  if (options.json) {
    const nlohmann::json json{{"device", config.device},  {"tf32", config.tf32},
                              {"steps", options.steps},   {"repeats", options.repeat},
                              {"ok", difference.empty()}, {"difference", difference}};
    print_json(json);
  }
  if (!difference.empty()) fail(ErrorKind::check_failed, "{}: {}", config.device, difference);
  if (!options.json) {
    print_out("{} trainings of {} steps on {}: the same bits in every loss, norm and parameter\n",
              options.repeat, options.steps, config.device);
  }
}

void run_training(const TrainingOptions& options) {
  for (const auto& [key, text] : options.settings->overrides) {
    if (key == "max_steps")
      fail(ErrorKind::usage, "--steps says how many steps are compared, not --max-steps");
  }
  const config::TrainConfig config = resolve(*options.settings, {});
  apply_threads(config);
  require_device(Device::parse(config.device));
  const data::Dataset data = data::Dataset::load(options.data);
  if (options.repeat > 0) return run_repeats(options, config, data);
  if (!options.json) {
    print_out("{:>5}  {:>11}  {:>11}  {:>10}\n", "step", "loss, cpu", "loss, " + config.device, "difference");
  }
  const auto show = [&](const check::StepPair& pair) {
    if (options.json) return;
    print_out("{:>5}  {:>11.7f}  {:>11.7f}  {:>10.1e}{}\n", pair.step, pair.cpu_loss, pair.gpu_loss,
              pair.difference(), pair.ok() ? "" : "  DIFFERS");
    flush_output();
  };
  const auto pairs = check::check_training(config, data, options.steps, show, *options.ways);
  std::int64_t failures = 0;
  nlohmann::json json{{"device", config.device}, {"tf32", config.tf32}, {"steps", nlohmann::json::array()}};
  double largest = 0;
  for (const auto& pair : pairs) {
    failures += pair.ok() ? 0 : 1;
    largest = std::max(largest, pair.difference());
    json["steps"].push_back({{"step", pair.step},
                             {"cpu_loss", pair.cpu_loss},
                             {"gpu_loss", pair.gpu_loss},
                             {"cpu_gradient_norm", pair.cpu_norm},
                             {"gpu_gradient_norm", pair.gpu_norm},
                             {"difference", pair.difference()}});
  }
  const double tolerance = check::training_tolerance(config.tf32);
  json["largest_difference"] = largest;
  json["tolerance"] = tolerance;
  json["ok"] = failures == 0;
  if (options.json) {
    print_json(json);
  } else {
    print_out("largest relative difference {:.1e}, allowed {:.0e}\n", largest, tolerance);
  }
  if (failures > 0) {
    fail(ErrorKind::check_failed, "{}: the losses of {} of {} steps differ from the CPU's", config.device,
         failures, pairs.size());
  }
}

/// What the build and the machine have for the GPU backend. Not being able to use a GPU is an answer, not an
/// error, unless one was asked for.
struct DeviceOptions {
  std::string device;
  bool json = false;
};

void run_device(const DeviceOptions& options) {
  nlohmann::json json{{"cuda_in_this_build", cuda_enabled}, {"gpus", nlohmann::json::array()}};
  std::vector<std::vector<std::string>> rows;
  std::string problem;
  if constexpr (cuda_enabled) {
    json["versions"] = cuda::versions();
    rows.push_back({"this build", cuda::versions()});
    try {
      for (const auto& gpu : cuda::devices()) {
        json["gpus"].push_back({{"index", gpu.index},
                                {"name", gpu.name},
                                {"compute_capability", fmt::format("{}.{}", gpu.major, gpu.minor)},
                                {"multiprocessors", gpu.multiprocessors},
                                {"memory_bytes", gpu.memory},
                                {"free_memory_bytes", gpu.free_memory},
                                {"l2_cache_bytes", gpu.l2_cache},
                                {"usable", gpu.has_kernels}});
        rows.push_back(
            {Device{DeviceType::cuda, gpu.index}.str(),
             fmt::format(
                 "{}, compute capability {}.{}, {} multiprocessors, {:.1f} GB ({:.1f} GB free), {:.0f} "
                 "MB L2{}",
                 gpu.name, gpu.major, gpu.minor, gpu.multiprocessors, static_cast<double>(gpu.memory) * 1e-9,
                 static_cast<double>(gpu.free_memory) * 1e-9, static_cast<double>(gpu.l2_cache) * 1e-6,
                 gpu.has_kernels ? "" : "; this build has no kernels for it")});
      }
      if (json["gpus"].empty()) problem = "there is a CUDA driver but no GPU";
    } catch (const Error& e) {
      problem = e.what();
    }
  } else {
    problem =
        "this build has no CUDA kernels (LRUREC_CUDA=OFF, or nvcc was not found when it was configured)";
  }
  if (!problem.empty()) {
    json["problem"] = problem;
    rows.push_back({"gpu", problem});
  }
  rows.push_back({"cpu", fmt::format("{}, {} threads, {}", processor(), omp_get_max_threads(),
                                     ops::blas_description())});
  json["cpu"] = {
      {"name", processor()}, {"threads", omp_get_max_threads()}, {"blas", ops::blas_description()}};
  const auto has = util::compiled_for(), can = util::processor_vectors();
  json["cpu"]["compiled_for"] = util::name_of(has);
  json["cpu"]["can"] = util::name_of(can);
  rows.push_back(
      {"vectors",
       fmt::format("of the build: {}; of the processor: {}{}", util::name_of(has), util::name_of(can),
                   has < can ? "; a build made on this machine is faster (docs/install.md)" : "")});
  json["cpu"]["fast_bf16"] = ops::has_fast_bf16();
  json["cpu"]["bf16_speed"] = ops::measured_bf16_speed();
  json["cpu"]["bf16_on_amx"] = ops::bf16_on_amx();
  rows.push_back(
      {"bf16",
       fmt::format("train --bf16 is {}: {}", ops::has_fast_bf16() ? "faster" : "slower",
                   has == util::Vectors::avx512_bf16
                       ? fmt::format("this processor makes {:.2g} multiply-adds in bf16{} in "
                                     "the time of one in f32",
                                     ops::measured_bf16_speed(), ops::bf16_on_amx() ? " (with AMX)" : "")
                       : "this build has no AVX512-BF16")});
  if (const std::string better = ops::better_blas_core(); !better.empty()) {
    json["cpu"]["better_blas_core"] = better;
    rows.push_back(
        {"warning", fmt::format("OpenBLAS has been told to take {} kernels; this processor can do far more "
                                "with {}: unset OPENBLAS_CORETYPE",
                                ops::blas_core(), better)});
  }
  if (options.json) {
    print_json(json);
  } else {
    for (const auto& row : rows) print_out("{:<12}{}\n", row[0], row[1]);
  }
  if (!options.device.empty()) require_device(Device::parse(options.device));
}

}  // namespace

void add_check(CLI::App& app) {
  CLI::App* sub =
      app.add_subcommand("check", "Check this build: parity with the published model, gradients, the GPU");
  sub->require_subcommand(1);

  auto parity = std::make_shared<ParityOptions>();
  CLI::App* parity_sub =
      sub->add_subcommand("parity", "Compare logits, loss and every gradient with a fixture");
  parity_sub->add_option("fixture", parity->fixture, "safetensors file (docs/parity.md)")->required();
  parity_sub->add_option("--precision", parity->precision, "f32 (default) or f64")
      ->check(CLI::IsMember({"f32", "f64"}));
  parity_sub->add_option("--device", parity->device, "cpu (default), cuda (the first GPU) or cuda:1");
  parity_sub->add_flag("--json", parity->json, "print one JSON object");
  parity_sub->callback([parity] { run_parity(*parity); });

  auto grad = std::make_shared<GradOptions>();
  CLI::App* grad_sub =
      sub->add_subcommand("grad", "Check every operation and the model against central differences");
  grad_sub->add_option("--only", grad->only, "cases whose name contains this");
  grad_sub->add_option("--device", grad->device, "cpu (default), cuda or cuda:1");
  grad_sub->add_flag("--json", grad->json, "print a JSON array");
  grad_sub->callback([grad] { run_grad(*grad); });

  auto training = std::make_shared<TrainingOptions>();
  CLI::App* training_sub = sub->add_subcommand(
      "training", "Train on --device and on the CPU side by side and compare the losses of every step");
  training_sub->add_option("data", training->data, "data set file made by lrurec prepare")->required();
  training_sub->add_option("--steps", training->steps, "steps of both (default 30)")
      ->check(CLI::Range(1, 1000000));
  training_sub
      ->add_option(
          "--repeat", training->repeat,
          "instead train N times on --device and compare all bits; --graphs and --update-pieces hold for all "
          "trainings but the first")
      ->check(CLI::Range(2, 10000));
  training_sub->add_flag("--json", training->json, "print one JSON object");
  add_gpu_flags(*training_sub, training->ways);
  add_setting_flags(*training_sub, training->settings);
  training_sub->callback([training] { run_training(*training); });

  auto device = std::make_shared<DeviceOptions>();
  CLI::App* device_sub = sub->add_subcommand("device", "Show the GPUs, and whether this build can use them");
  device_sub->add_option("device", device->device,
                         "fail with exit code 2 unless this one can be used: cuda, cuda:1");
  device_sub->add_flag("--json", device->json, "print one JSON object");
  device_sub->callback([device] { run_device(*device); });
}

}  // namespace lrurec::command
