// lrurec train: a data set -> a trained run.

#include <fmt/format.h>
#include <omp.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "lrurec/model/models.h"
#include "lrurec/train/stepper.h"
#include "lrurec/train/time_left.h"
#include "lrurec/train/trainer.h"
#include "lrurec/util/builds.h"
#include "lrurec/util/median.h"
#include "ops/matmul/blas_info.h"
#include "tensor/error.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/setting_flags.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {
namespace {

struct TrainOptions {
  std::string data, output;
  std::shared_ptr<SettingFlags> settings = std::make_shared<SettingFlags>();
  bool resume = false, json = false, dry_run = false;
};

nlohmann::json describe_run(const TrainOptions& options, const config::TrainConfig& config,
                            const data::Dataset& data) {
  nlohmann::json description{{"command", command_line()},
                             {"fingerprint", data.fingerprint()},
                             {"environment",
                              {{"lrurec", LRUREC_VERSION},
                               {"compiler", __VERSION__},
                               {"processor", processor()},
                               {"vectors", util::name_of(util::compiled_for())},
                               {"threads", omp_get_max_threads()},
                               {"device", config.device},
                               {"blas", ops::blas_description()}}}};
  train::RunFolder::name_data(description, options.data);
  return description;
}

/// A resumed run has the bits of one without a stop only with the same program, the same kind of processor or
/// GPU, and as many threads. `had`: the configuration of its last checkpoint.
void warn_of_other_bits(const train::RunFolder& folder, const nlohmann::json& now,
                        const config::TrainConfig& had, const config::TrainConfig& config) {
  const nlohmann::json about = folder.description();
  const bool on_cpu = config.device == "cpu";
  // Without OpenBLAS's products neither it nor the number of threads changes a bit.
  const bool own_products =
      model::find_model(config.model).has_own_products(config.model_config(0, 0)) && config.negatives == 0;
  std::vector<std::string> others;
  for (const char* what : {"processor", "compiler", "vectors", "blas"}) {
    const auto there = nlohmann::json::json_pointer("/environment") / what;
    if (what == std::string_view("blas") && (own_products || !on_cpu)) continue;
    if (!about.contains(there) || about.at(there) == now.at(there)) continue;
    others.emplace_back(what == std::string_view("blas") ? "BLAS" : what);
  }
  if (Device::parse(had.device).is_cuda() == on_cpu) others.emplace_back("device");
  if (had.tf32 != config.tf32 && !on_cpu) others.emplace_back("setting of tf32");
  if (!others.empty()) {
    warn(
        "warning: the run began with another {}; sums may be rounded differently, so the result may differ "
        "in "
        "its last bits from that of a run without a stop",
        fmt::join(others, " and other "));
  }
  if (own_products || (had.deterministic && config.deterministic)) return;
  const auto place = nlohmann::json::json_pointer("/environment/threads");
  if (!about.contains(place) || !about.at(place).is_number_integer()) return;
  const auto before = about.at(place).get<std::int64_t>();
  if (before == omp_get_max_threads()) return;
  const std::string as_before =
      had.deterministic
          ? "--deterministic"
          : fmt::format("{}--threads {}", config.deterministic ? "--deterministic false " : "", before);
  warn(
      "warning: the run began with {} and goes on with {}; sums may be rounded differently, so the result "
      "may differ in its last bits from that of a run without a stop ({} avoids that)",
      counted(before, "thread"), omp_get_max_threads(), as_before);
}

/// Writes into run.json where the data set is now, and how the run was resumed.
void describe_resumption(const train::RunFolder& folder, const std::string& data, std::int64_t step,
                         const nlohmann::json& now) {
  nlohmann::json about = folder.description();
  train::RunFolder::name_data(about, data);
  nlohmann::json& resumed = about["resumed"];
  if (!resumed.is_array()) resumed = nlohmann::json::array();
  resumed.push_back({{"step", step}, {"command", now["command"]}, {"environment", now["environment"]}});
  folder.write_description(about);
}

/// If the weights of the best round so far are gone, warns of it and returns that round's step.
std::optional<std::int64_t> lost_best(const train::RunFolder& folder, const train::Progress& progress) {
  if (progress.best_recall < 0) return std::nullopt;  // there has been no round
  std::string why;
  try {
    // best.ckpt is of a later round after a kill between saving it and the progress, or if last.ckpt is gone.
    const auto step = folder.load("best").progress.step;
    if (step == progress.best_step) return std::nullopt;
    why = fmt::format("{} is of step {}, which this run does not know as its best",
                      folder.checkpoint("best").string(), step);
  } catch (const Error& e) {
    why = e.what();
  }
  warn(
      "warning: {}; the weights of the best step so far, {}, are lost; until the next validation round use "
      "--checkpoint last",
      why, progress.best_step);
  return progress.best_step;
}

/// Warns if a resumed training's log lacks lines of validation rounds, as when somebody has cut them off.
/// `log`: the file; `lines`: all that it has.
void warn_of_lost_rounds(const std::filesystem::path& log, const std::vector<nlohmann::json>& lines,
                         const train::Progress& progress, std::int64_t validate_every) {
  if (progress.best_recall < 0) return;
  std::set<std::int64_t> lost{progress.best_step};
  for (std::int64_t step = 0; step <= progress.step; step += validate_every) lost.insert(step);
  for (const auto& line : lines) {
    if (line["split"] == "val") lost.erase(line["step"].get<std::int64_t>());
  }
  if (lost.empty()) return;
  warn("warning: {} has lost {} of the validation rounds up to step {}{}; reports and sweeps will lack them",
       log.string(), lost.size(), progress.step, lost.contains(progress.best_step) ? ", also the best" : "");
}

/// Patience counts rounds without a better Recall@10. Among few candidates all rounds have the same.
void warn_of_few_candidates(const config::TrainConfig& config, const data::Dataset& data) {
  const auto candidates = config.eval_negatives > 0 ? config.eval_negatives + 1 : data.items();
  if (candidates > 10 || config.patience == 0) return;
  warn(
      "warning: among {} candidates Recall@10 is always 1, so the training ends after {} (--patience 0: it "
      "goes "
      "on); its best round is that of the highest NDCG@10",
      candidates, counted(config.patience, "round"));
}

/// With as many negatives as items, training costs more than with all items and is less exact.
void warn_of_many_negatives(const config::TrainConfig& config, const data::Dataset& data) {
  if (config.negatives < data.items()) return;
  warn("warning: negatives = {} of {}: --negatives 0, all items, is exact and cheaper", config.negatives,
       counted(data.items(), "item"));
}

/// Progress bar, rate, loss and time left.
class Reporter {
 public:
  explicit Reporter(const config::TrainConfig& config)
      : of_some_users_(config.validate_users > 0), left_(config.validate_every) {}

  void step(const train::StepEvent& e) {
    smooth_loss_ = smooth_loss_ == 0 ? e.loss : 0.95 * smooth_loss_ + 0.05 * e.loss;
    left_.add_step(e.seconds, e.tokens);
    const std::string rates = fmt::format("{:.2f} steps/s  {:.0f} tokens/s  loss {:.4f}",
                                          1 / left_.step_seconds(), left_.tokens_per_second(), smooth_loss_);
    if (e.planned == train::Stepper::no_limit) {
      line_.update(fmt::format("step {}  {}", e.step, rates));
      return;
    }
    const double fraction = static_cast<double>(e.step) / static_cast<double>(e.planned);
    line_.update(fmt::format("{} step {}/{}  {}  at most {} left{}", bar(fraction, 20), e.step, e.planned,
                             rates, duration(left_.seconds(e.step, e.planned)),
                             left_.knows_rounds() ? "" : " without validation"));
  }

  void validation(const train::ValidationEvent& e) {
    left_.add_round(e.seconds);
    const auto& metrics = e.evaluation->metrics;
    const auto label = [&](const char* name) { return e.evaluation->label(name); };
    const std::string whose = of_some_users_ ? fmt::format(" of {}", counted(metrics.users(), "user")) : "";
    line_.print(fmt::format("step {:>6}  validation{}: {} {:.4f}  {} {:.4f}  {} {:.4f}  ({:.1f} s){}", e.step,
                            whose, label("Recall@10"), metrics.at("Recall@10"), label("NDCG@10"),
                            metrics.at("NDCG@10"), label("loss"), *e.evaluation->loss, e.seconds,
                            e.best ? "  best so far" : ""));
  }

  void print(const std::string& text) { line_.print(text); }
  void finish() { line_.finish(); }
  double step_seconds() const { return left_.step_seconds(); }

 private:
  ProgressLine line_;
  bool of_some_users_;
  double smooth_loss_ = 0;
  train::TimeLeft left_;
};

/// "--max-steps N" of twice the steps, or "--max-epochs N" where the epochs are what limits them; "" for a
/// run that cannot be prolonged, since its learning rate falls to the last step.
std::string more_steps(const config::TrainConfig& config, std::int64_t planned) {
  if (config.lr_schedule != "constant" && config.lr_decay_steps == 0) return "";
  if (config.max_steps == planned) return fmt::format("--max-steps {}", 2 * config.max_steps);
  return fmt::format("--max-epochs {}", 2 * config.max_epochs);
}

/// What a resumed run that is at its end needs to go on.
std::string nothing_left(const config::TrainConfig& config, const train::Progress& progress,
                         std::int64_t planned) {
  const std::string more =
      progress.step >= planned ? more_steps(config, planned) : "a larger --patience (0: no limit)";
  return fmt::format("nothing is left to train: {}{}", progress.finished,
                     more.empty() ? "" : fmt::format("; {} allows more", more));
}

/// What a training would be: shapes, numbers, and a few steps to see what they take. Nothing is written.
void dry_run(const TrainOptions& options) {
  const config::TrainConfig config = resolve(*options.settings, {});
  apply_threads(config);
  train::prepare_device(config);
  warn_of_useless_precision(config);
  const data::Dataset data = data::Dataset::load(options.data);
  train::check_validation(config, data, options.data);
  warn_of_many_negatives(config, data);
  note_channels_that_stay(*options.settings, config);
  train::Stepper stepper(config, data);
  std::optional<train::WeightAverage> average;
  if (config.average > 0) average.emplace(stepper.model(), config.average);
  constexpr std::int64_t steps = 4;
  std::vector<double> seconds;  // of all but the first, which warms up
  model::Work work;
  for (std::int64_t step = 0; step < steps; ++step) {
    const auto start = std::chrono::steady_clock::now();
    const model::Work done = stepper.run(step).work;
    if (average) average->update(stepper.model(), step + 1);
    work.add(done, 1.0 / steps);
    if (step == 0) continue;
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const double step_seconds = util::median(seconds);
  const std::int64_t per_epoch = stepper.steps_per_epoch(), most = stepper.planned_steps();
  const auto classes = static_cast<double>(config.negatives > 0 ? config.negatives + 1 : data.items() + 1);
  const double flop = model::training_flop(stepper.model(), work, classes).total();
  const double peak = peak_memory_bytes(stepper.device());
  const bool limited = most != train::Stepper::no_limit;
  const double all_steps_seconds = step_seconds * static_cast<double>(most);

  nlohmann::json json{
      {"parameters", nlohmann::json::array()}, {"real_parameters", model::real_parameters(stepper.model())},
      {"tokens_per_step", work.tokens},        {"flop_per_step", flop},
      {"steps_per_epoch", per_epoch},          {"max_steps", limited ? most : 0},
      {"step_seconds", step_seconds},          {"peak_memory_bytes", peak}};
  if (limited) json["seconds_without_validation"] = all_steps_seconds;
  std::vector<std::vector<std::string>> rows{{"parameter", "shape", "type", "numbers"}};
  for (const auto& p : stepper.model().named_parameters()) {
    const Tensor& value = p.variable.value();
    const std::int64_t numbers = value.numel() * (is_complex(value.dtype()) ? 2 : 1);
    rows.push_back({p.name, value.shape().str(), std::string(name(value.dtype())), with_commas(numbers)});
    json["parameters"].push_back(
        {{"name", p.name}, {"shape", value.shape().str()}, {"dtype", name(value.dtype())}});
  }
  if (options.json) {
    print_json(json);
    return;
  }
  print_out(
      "{}\n{}", table(rows),
      table({{"in all", with_commas(model::real_parameters(stepper.model())) + " numbers"},
             {"per step", fmt::format("{:.0f} tokens of {} examples, {:.2f} Gflop", work.tokens,
                                      std::min(config.batch_size, stepper.examples()), flop * 1e-9)},
             {"per epoch", counted(per_epoch, "step")},
             {"memory", fmt::format("{:.0f} MB after {} steps, validation not counted", peak / 1e6, steps)},
             {"time per step", seconds_text(step_seconds)},
             limited ? std::vector<std::string>{"at most " + counted(most, "step"),
                                                fmt::format("about {}, validation not counted, less if it "
                                                            "stops early",
                                                            duration(all_steps_seconds))}
                     : std::vector<std::string>{"steps", "no limit"}}));
}

/// Trains in the folder. If an error ends it, `steps` says how far it came.
void train_in(const TrainOptions& options, const config::TrainConfig& config, const data::Dataset& data,
              const train::RunFolder& folder, std::optional<train::RunFolder::Loaded>& loaded,
              std::int64_t& steps) {
  Reporter reporter(config);
  warn_of_useless_precision(config);
  warn_of_few_candidates(config, data);
  warn_of_many_negatives(config, data);
  if (!options.resume) note_channels_that_stay(*options.settings, config);
  remember_signals();
  train::Trainer trainer(
      config, data, folder,
      {[&](const auto& e) { reporter.step(e); }, [&](const auto& e) { reporter.validation(e); },
       [] { return interrupted_by() != 0; }});
  const nlohmann::json description = describe_run(options, config, data);
  std::optional<std::int64_t> lost;
  std::int64_t finished_before = -1;  // the step at which a resumed run had ended
  if (loaded) {
    if (!loaded->warning.empty()) warn("warning: {}", loaded->warning);
    trainer.resume(loaded->checkpoint, loaded->path);
    warn_of_other_bits(folder, description, loaded->checkpoint.parse_config(loaded->path), config);
    const train::Progress start = loaded->checkpoint.progress;
    if (!start.finished.empty()) finished_before = start.step;
    loaded->checkpoint = {};  // frees a second copy of the weights and moments
    lost = lost_best(folder, start);
    if (lost) trainer.replace_best();
    warn_of_lost_rounds(folder.path() / "metrics.jsonl", folder.log_lines(), start, config.validate_every);
    if (trainer.model().recurrence() != nullptr) {
      warn_of_lost_rounds(folder.path() / "eigenvalues.jsonl", folder.eigenvalue_lines(), start,
                          config.validate_every);
    }
    describe_resumption(folder, options.data, start.step, description);
    folder.cut_log(start);
    reporter.print(fmt::format("resuming at step {}", start.step));
  } else {
    folder.write_description(description);
  }
  folder.write_config(config);
  const std::int64_t planned = trainer.planned_steps();
  reporter.print(fmt::format(
      "{}, preset {}: {}, {}; {}; {}; {}", trainer.model().info().title, config.preset,
      counted(data.users(), "user"), counted(data.items(), "item"),
      counted(model::real_parameters(trainer.model()), "parameter"), counted(omp_get_max_threads(), "thread"),
      planned == train::Stepper::no_limit ? "any number of steps" : "at most " + counted(planned, "step")));

  const auto began = std::chrono::steady_clock::now();
  const train::Progress& progress = trainer.progress();
  try {
    trainer.run();
  } catch (...) {
    steps = progress.step;
    throw;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  reporter.finish();
  const std::string resumption =
      fmt::format("lrurec train {} -o {} --resume", shell_word(options.data), shell_word(options.output));

  if (!progress.finished.empty()) {
    nothing_is_left_to_interrupt();  // one that came during the last validation is too late
  } else {
    reporter.print(
        fmt::format("interrupted; saved at step {}. Continue with: {}", progress.step, resumption));
  }
  const bool was_finished = progress.step == finished_before;
  if (was_finished) reporter.print(nothing_left(config, progress, planned));
  const bool sampled = config.eval_negatives > 0, best_is_lost = lost == progress.best_step;
  if (!progress.finished.empty() && progress.best_step == 0 && progress.step > 0) {
    warn(
        "warning: no validation round was better than the one before training, so best.ckpt is the untrained "
        "model; use --checkpoint last for the trained one");
  }
  const std::string more = more_steps(config, planned);
  if (!was_finished && progress.step == planned && progress.best_step == planned && !more.empty()) {
    reporter.print(fmt::format("the last validation was the best, so a longer training may be better: {} {}",
                               resumption, more));
  }
  if (options.json) {
    nlohmann::json json{
        {"steps", progress.step},
        {"finished", progress.finished},
        {"best_step", progress.best_step},
        {sampled ? "best_validation_sampled_recall10" : "best_validation_recall10", progress.best_recall},
        {"step_seconds_median", reporter.step_seconds()},
        {"seconds", seconds},
        {"peak_memory_bytes", peak_memory_bytes()},
        {"run", options.output}};
    if (const auto* recurrence = trainer.validated().recurrence()) {
      json["mean_abs_lambda"] = recurrence->mean_abs_lambda();
    }
    print_json(json);
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"steps", with_commas(progress.step)},
      {"ended", progress.finished.empty() ? "interrupted" : progress.finished},
      {"best step", with_commas(progress.best_step) + (best_is_lost ? " (its weights are lost)" : "")},
      {sampled ? "best validation sampled Recall@10" : "best validation Recall@10",
       fmt::format("{:.4f}", progress.best_recall)}};
  if (!was_finished) {
    rows.push_back({"time", duration(seconds)});
    rows.push_back({"seconds per step (median of the last)", fmt::format("{:.3f}", reporter.step_seconds())});
    rows.push_back({"peak memory", fmt::format("{:.0f} MB", peak_memory_bytes() / 1e6)});
  }
  print_out("{}", table(rows));
  if (!progress.finished.empty()) {
    print_out("next: lrurec evaluate {}{}\n", shell_word(options.output),
              best_is_lost ? " --checkpoint last" : "");
  }
}

void run_train(const TrainOptions& options) {
  if (options.dry_run) return dry_run(options);
  if (options.output.empty() && options.resume) {
    fail(ErrorKind::usage, "--output is required: name the run to resume with -o");
  }
  if (options.output.empty())
    fail(ErrorKind::usage, "--output is required: the folder of the run (or ask for --dry-run)");
  // Everything that can be wrong is looked at before the run folder is touched.
  std::optional<train::RunFolder> folder;
  std::optional<train::RunFolder::Loaded> loaded;
  config::TrainConfig config;
  if (options.resume) {
    folder = train::RunFolder::open_to_train(options.output);
    loaded = folder->load_last();
    config = loaded->checkpoint.parse_config(loaded->path);
  }
  config = resolve(*options.settings, config);
  apply_threads(config);
  require_device(Device::parse(config.device));
  const data::Dataset data = data::Dataset::load(options.data);
  train::check_validation(config, data, options.data);
  if (!folder) folder = train::RunFolder::create(options.output, ", or continue that one with --resume");
  std::int64_t steps = 0;
  try {
    train_in(options, config, data, *folder, loaded, steps);
  } catch (...) {
    // A start without result leaves nothing, so that the same command with another setting does not meet "a
    // run".
    if (!options.resume && steps == 0) folder->discard();
    throw;
  }
}

}  // namespace

void add_train(CLI::App& app) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* sub = app.add_subcommand("train", "Train a model on a prepared data set");
  sub->add_option("data", options->data, "data set file made by lrurec prepare")->required();
  sub->add_option("-o,--output", options->output, "folder of the run");
  auto* resume =
      sub->add_flag("--resume", options->resume, "continue the run in the folder from its last checkpoint");
  sub->add_flag("--dry-run", options->dry_run,
                "show shapes, numbers, memory and time, after a few steps that are not kept")
      ->excludes(resume);
  sub->add_flag("--json", options->json, "print one JSON object at the end");
  add_setting_flags(*sub, options->settings);
  sub->callback([options] { run_train(*options); });
}

}  // namespace lrurec::command
