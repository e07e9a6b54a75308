// lrurec train: a data set -> a trained run.

#include <fmt/format.h>
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>

#include "lrurec/train/trainer.h"
#include "ops/matmul/blas_info.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {
namespace {

struct Options {
  std::string data, output, config_file, preset;
  std::vector<std::pair<std::string, std::string>> overrides;  ///< key and text, in the order of the flags
  bool resume = false, json = false, quiet = false;
};

std::string flag_of(const std::string& key) {
  std::string flag = "--" + key;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

const char* type_of(const config::Setting& setting) {
  constexpr const char* names[] = {"INT", "FLOAT", "true|false", "TEXT"};
  return names[setting.member.index()];
}

/// Flags over file over preset over defaults.
config::TrainConfig resolve(const Options& options, config::TrainConfig config) {
  if (!options.preset.empty()) config = config::preset(options.preset);
  if (!options.config_file.empty()) config::read_toml(config, options.config_file);
  for (const auto& [key, text] : options.overrides) config::set(config, key, text, flag_of(key));
  return config;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

nlohmann::json describe_run(const Options& options, const data::Dataset& data) {
  return {{"command", command_line()},
          {"data", std::filesystem::absolute(options.data).string()},
          {"fingerprint", data.fingerprint()},
          {"environment",
           {{"lrurec", LRUREC_VERSION},
            {"compiler", __VERSION__},
            {"processor", processor()},
            {"threads", omp_get_max_threads()},
            {"blas", ops::blas_description()}}}};
}

double peak_memory_bytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

/// Progress bar, rate, loss and time left.
class Reporter {
 public:
  explicit Reporter(bool quiet) : line_(quiet) {}

  void step(const train::StepEvent& e) {
    smooth_loss_ = smooth_loss_ == 0 ? e.loss : 0.95 * smooth_loss_ + 0.05 * e.loss;
    // A median over the last steps: a validation round or a busy machine must not spoil the estimate.
    recent_.push_back(e.seconds);
    if (recent_.size() > 51) recent_.erase(recent_.begin());
    auto sorted = recent_;
    std::nth_element(sorted.begin(), sorted.begin() + std::ssize(sorted) / 2, sorted.end());
    const double seconds = sorted[sorted.size() / 2];
    step_seconds_ = seconds;
    const double fraction = static_cast<double>(e.step) / static_cast<double>(e.planned);
    line_.update(fmt::format("{} step {}/{}  {:.2f} steps/s  {:.0f} tokens/s  loss {:.4f}  at most {} left",
                             bar(fraction, 20), e.step, e.planned, 1 / seconds,
                             static_cast<double>(e.tokens) / seconds, smooth_loss_,
                             duration(seconds * static_cast<double>(e.planned - e.step))));
  }

  void validation(const train::ValidationEvent& e) {
    const auto& metrics = e.evaluation->metrics;
    const auto label = [&](const char* name) { return e.evaluation->label(name); };
    line_.print(fmt::format("step {:>6}  validation: {} {:.4f}  {} {:.4f}  {} {:.4f}  ({:.1f} s){}", e.step,
                            label("Recall@10"), metrics.at("Recall@10"), label("NDCG@10"),
                            metrics.at("NDCG@10"), label("loss"), *e.evaluation->loss, e.seconds,
                            e.best ? "  best so far" : ""));
  }

  void print(const std::string& text) { line_.print(text); }
  void finish() { line_.finish(); }
  double step_seconds() const { return step_seconds_; }

 private:
  ProgressLine line_;
  double smooth_loss_ = 0, step_seconds_ = 0;
  std::vector<double> recent_;
};

void run(const Options& options) {
  // Everything that can be wrong is looked at before the run folder is touched.
  std::optional<train::RunFolder::Loaded> loaded;
  config::TrainConfig config;
  if (options.resume) {
    loaded = train::RunFolder::open(options.output).load_last();
    config = loaded->checkpoint.parse_config(loaded->path);
  }
  config = resolve(options, config);
  if (config.threads > 0) omp_set_num_threads(static_cast<int>(config.threads));
  if (config.deterministic) ops::set_blas_threads(1);
  const data::Dataset data = data::Dataset::load(options.data);
  if (data.evaluated_users().empty()) {
    fail(ErrorKind::data, "{}: no user has the 3 interactions that validation needs", options.data);
  }
  const train::RunFolder folder =
      options.resume ? train::RunFolder::open(options.output) : train::RunFolder::create(options.output);

  train::Progress start;
  if (loaded) start = loaded->checkpoint.progress;
  Reporter reporter(options.quiet);
  remember_signals();
  train::Trainer trainer(
      config, data, folder,
      {[&](const auto& e) { reporter.step(e); }, [&](const auto& e) { reporter.validation(e); },
       [] { return interrupted_by() != 0; }});
  if (loaded) {
    if (!loaded->warning.empty()) reporter.print("warning: " + loaded->warning);
    trainer.resume(loaded->checkpoint, loaded->path);
    loaded->checkpoint = {};  // a second copy of the weights and moments
    folder.cut_log(start.step);
    reporter.print(fmt::format("resuming at step {}", start.step));
  } else {
    folder.write_description(describe_run(options, data));
  }
  folder.write_config(config);
  reporter.print(fmt::format("{} users, {} items; {} parameters; {} threads; at most {} steps",
                             with_commas(data.users()), with_commas(data.items()),
                             with_commas(trainer.model().parameter_count()), omp_get_max_threads(),
                             with_commas(trainer.planned_steps())));

  const auto began = std::chrono::steady_clock::now();
  const train::Progress& progress = trainer.run();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  reporter.finish();

  if (progress.finished.empty()) {
    reporter.print(fmt::format("interrupted; saved at step {}. Continue with: lrurec train {} -o {} --resume",
                               progress.step, options.data, options.output));
  }
  const bool sampled = config.eval_negatives > 0;
  if (options.json) {
    const nlohmann::json json{
        {"steps", progress.step},
        {"finished", progress.finished},
        {"best_step", progress.best_step},
        {sampled ? "best_validation_sampled_recall10" : "best_validation_recall10", progress.best_recall},
        {"step_seconds_median", reporter.step_seconds()},
        {"seconds", seconds},
        {"peak_memory_bytes", peak_memory_bytes()},
        {"mean_abs_lambda", trainer.model().mean_abs_lambda()},
        {"run", options.output}};
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{}",
             table({{"steps", with_commas(progress.step)},
                    {"ended", progress.finished.empty() ? "interrupted" : progress.finished},
                    {"best step", with_commas(progress.best_step)},
                    {sampled ? "best validation sampled Recall@10" : "best validation Recall@10",
                     fmt::format("{:.4f}", progress.best_recall)},
                    {"time", duration(seconds)},
                    {"seconds a step (median of the last)", fmt::format("{:.3f}", reporter.step_seconds())},
                    {"peak memory", fmt::format("{:.0f} MB", peak_memory_bytes() / 1e6)}}));
  if (!progress.finished.empty()) fmt::print("next: lrurec evaluate {}\n", options.output);
}

}  // namespace

void add_train(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("train", "Train a model on a prepared data set");
  sub->add_option("data", options->data, "data set file made by lrurec prepare")->required();
  sub->add_option("-o,--output", options->output, "folder of the run")->required();
  sub->add_option("--preset", options->preset,
                  fmt::format("settings to start from: {}", fmt::join(config::preset_names(), ", ")));
  sub->add_option("--config", options->config_file, "TOML file with settings on top of the preset");
  sub->add_flag("--resume", options->resume, "continue the run in the folder from its last checkpoint");
  sub->add_flag("--json", options->json, "print one JSON object at the end");
  sub->add_flag("-q,--quiet", options->quiet, "no progress on stderr");
  for (const auto& setting : config::settings()) {
    if (setting.key == "preset") continue;
    const bool is_switch =
        type_of(setting) == std::string_view("true|false");  // --outer-gelu alone means true
    sub->add_option_function<std::string>(
           flag_of(setting.key),
           [options, key = setting.key](const std::string& text) {
             options->overrides.emplace_back(key, text.empty() ? "true" : text);
           },
           setting.help)
        ->type_name(type_of(setting))
        ->expected(is_switch ? 0 : 1, 1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group("Settings, over preset and file");
  }
  sub->callback([options] { run(*options); });
}

}  // namespace lrurec::command
