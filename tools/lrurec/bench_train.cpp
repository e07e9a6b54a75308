// lrurec bench train, lrurec bench eval: whole steps and whole evaluations on real batches.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include "lrurec/eval/evaluate.h"
#include "lrurec/model/models.h"
#include "lrurec/train/run_folder.h"
#include "lrurec/train/stepper.h"
#include "tensor/error.h"
#include "tools/lrurec/bench.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/gpu_flags.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/setting_flags.h"

namespace lrurec::command {
namespace {

struct BenchTrainOptions {
  std::string data;
  std::shared_ptr<SettingFlags> settings = std::make_shared<SettingFlags>();
  std::shared_ptr<train::GpuWays> ways = std::make_shared<train::GpuWays>();
  std::optional<std::int64_t> steps;
  std::int64_t warmup = 3, runs = 3;
  bool json = false;
};

void run_train(const BenchTrainOptions& options) {
  const config::TrainConfig config = resolve(*options.settings, {});
  apply_threads(config);
  const Device device = train::prepare_device(config);
  warn_of_useless_precision(config);
  const data::Dataset data = data::Dataset::load(options.data);
  const MachineRates before = measure_machine(device);
  train::Stepper stepper(config, data, *options.ways);

  // On a GPU the host runs ahead and waits as seldom as in a training, so a time is the mean of several
  // steps.
  const std::int64_t together = device.is_cuda() ? config.log_every : 1,
                     steps = options.steps.value_or(device.is_cuda() ? 10 * together : 30);
  model::Work work;
  const Times times = [&] {
    for (std::int64_t step = 0; step < options.warmup; ++step) stepper.run(step);
    Times result;
    const std::int64_t end = options.warmup + steps;
    for (std::int64_t step = options.warmup; step < end;) {
      const std::int64_t count = std::min(together, end - step);
      const auto start = std::chrono::steady_clock::now();
      for (std::int64_t k = 0; k < count; ++k) stepper.start(step++);
      for (const auto& done : stepper.finish()) work.add(done.work, 1.0 / static_cast<double>(steps));
      result.seconds.push_back(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
          static_cast<double>(count));
    }
    std::sort(result.seconds.begin(), result.seconds.end());
    return result;
  }();
  const double peak = peak_memory_bytes(device);
  const MachineRates rates = between(before, measure_machine(device));

  const auto classes = static_cast<double>(config.negatives > 0 ? config.negatives + 1 : data.items() + 1);
  const model::Flop flop = model::training_flop(stepper.model(), work, classes);
  const double bytes = 28 * static_cast<double>(model::real_parameters(stepper.model()));
  const double floor = floor_seconds(rates, flop.total(), bytes);

  nlohmann::json json = describe_machine(rates, device);
  times.add_to(json, "step_seconds");
  json["floor_seconds"] = floor;
  json["ratio_to_floor"] = times.median() / floor;
  json["blas_floor_seconds"] = blas_floor_seconds(rates, flop.total(), bytes);
  json["peak_memory_bytes"] = peak;
  json["tokens_mean"] = work.tokens;
  json["flop"] = {{"head", flop.head}, {"blocks", flop.blocks}};
  json["bytes"] = bytes;
  json["preset"] = config.preset;
  json["model"] = config.model;
  json["tf32"] = config.tf32;
  json["bf16"] = config.bf16;
  json["batch_size"] = config.batch_size;
  json["max_length"] = config.max_length;
  json["items"] = data.items();
  const auto graphs = stepper.graphs();
  json["head"] = name(options.ways->head.algorithm);
  json["head_chunk"] = options.ways->head.chunk;
  json["update_pieces"] = options.ways->update_pieces;
  json["graphs"] = {
      {"recorded_steps", graphs.recorded_steps}, {"buckets", graphs.buckets}, {"made", graphs.made}};
  if (options.json) {
    print_json(json);
    return;
  }
  print_out(
      "{}",
      table({{"training step", ""},
             {"seconds, median (quartiles)", times.str()},
             {"floor of the hardware: flop / fma + bytes / copy", seconds_text(floor)},
             {"ratio to it", fmt::format("{:.2f}", times.median() / floor)},
             {"peak memory", fmt::format("{:.0f} MB", peak / 1e6)},
             {"tokens a step, mean", fmt::format("{:.0f}", work.tokens)},
             {"head, blocks", fmt::format("{:.1f} GF, {:.1f} GF", flop.head * 1e-9, flop.blocks * 1e-9)},
             rates_row(rates, device)}));
}

void run_eval(const BenchTrainOptions& options) {
  // A run brings its settings, data and weights; times depend on the weights only through the caches.
  std::optional<train::Checkpoint> checkpoint;
  std::filesystem::path data_path = options.data, checkpoint_path;
  config::TrainConfig config;
  if (std::filesystem::is_directory(options.data)) {
    const auto folder = train::RunFolder::open(options.data);
    data_path = folder.data_path();
    checkpoint_path = folder.checkpoint("best");
    checkpoint = folder.load("best");
    config = checkpoint->parse_config(checkpoint_path.string());
  }
  config = resolve(*options.settings, config);
  apply_threads(config);
  const Device device = train::prepare_device(config);
  const data::Dataset data = data::Dataset::load(data_path);
  const MachineRates before = measure_machine(device);
  const auto made = model::make_model(config.model_config(data.items(), data.users()),
                                      static_cast<std::uint64_t>(config.seed));
  model::Model& model = *made;
  if (checkpoint) train::load_parameters(*checkpoint, checkpoint_path.string(), model);
  model.to(device);
  const eval::EvaluateOptions evaluation{data::Split::test, config.max_length, 0, /*with_loss=*/false};
  const Times times =
      time_runs(1, static_cast<int>(options.runs), [&] { eval::evaluate(data, model, evaluation); });
  const double peak = peak_memory_bytes(device);
  const MachineRates rates = between(before, measure_machine(device));

  const auto users = data.evaluated_users(data::Split::test);
  const auto n = static_cast<double>(users.size());
  model::Work work{.tokens = 0, .token_pairs = 0, .rows = n};
  for (const auto user : users) {
    const double length = std::min(static_cast<double>(data.history(user, data::Split::test).size()),
                                   static_cast<double>(model.input_length(config.max_length)));
    work.add({length, length * length, 0});
  }
  const double scores =
      2 * n * static_cast<double>(data.items() + 1) * static_cast<double>(model.item_vectors().size(1));
  const double encoder = model.info().forward_flop(model.config(), work);
  const double floor = floor_seconds(rates, scores + encoder, 0);

  nlohmann::json json = describe_machine(rates, device);
  times.add_to(json, "seconds");
  json["floor_seconds"] = floor;
  json["ratio_to_floor"] = times.median() / floor;
  json["blas_floor_seconds"] = blas_floor_seconds(rates, scores + encoder, 0);
  json["peak_memory_bytes"] = peak;
  json["users"] = users.size();
  json["items"] = data.items();
  json["flop"] = {{"scores", scores}, {"encoder", encoder}};
  if (options.json) {
    print_json(json);
    return;
  }
  print_out("{}", table({{"full-ranking evaluation", ""},
                         {"seconds, median (quartiles)", times.str()},
                         {"floor of the products", seconds_text(floor)},
                         {"ratio to the floor", fmt::format("{:.2f}", times.median() / floor)},
                         {"users x items",
                          fmt::format("{} x {}", with_commas(std::ssize(users)), with_commas(data.items()))},
                         {"peak memory", fmt::format("{:.0f} MB", peak / 1e6)},
                         rates_row(rates, device)}));
}

CLI::App* add(CLI::App& bench, const char* name, const char* help, const char* data,
              const std::shared_ptr<BenchTrainOptions>& options) {
  CLI::App* sub = bench.add_subcommand(name, help);
  sub->add_option("data", options->data, data)->required();
  sub->add_flag("--json", options->json, "print one JSON object");
  add_setting_flags(*sub, options->settings);
  return sub;
}

}  // namespace

void add_bench_train(CLI::App& bench) {
  auto options = std::make_shared<BenchTrainOptions>();
  CLI::App* sub = add(bench, "train", "Training steps on real batches; no run folder is made",
                      "data set file made by lrurec prepare", options);
  sub->add_option("--steps", options->steps,
                  "timed steps (default 30; on a GPU 10 times --log-every, since there a time is the mean of "
                  "--log-every steps)")
      ->check(CLI::Range(1, 1000000));
  sub->add_option("--warmup", options->warmup, "untimed steps before the timed ones")
      ->check(CLI::Range(0, 1000000));
  add_gpu_flags(*sub, options->ways);
  sub->callback([options] { run_train(*options); });
}

void add_bench_eval(CLI::App& bench) {
  auto options = std::make_shared<BenchTrainOptions>();
  CLI::App* sub =
      add(bench, "eval", "Full-ranking evaluation of the test items",
          "data set file made by lrurec prepare (untrained weights), or folder of a run", options);
  sub->add_option("--runs", options->runs, "timed evaluations")->check(CLI::Range(1, 1000));
  sub->callback([options] { run_eval(*options); });
}

}  // namespace lrurec::command
