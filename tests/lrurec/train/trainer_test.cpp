#include "lrurec/train/trainer.h"
#include "lrurec/model/lrurec.h"
#include "lrurec/model/models.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/train/weight_average.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/serialization/archive.h"

#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"
#include "tests/support/trained.h"

namespace lrurec::train {
namespace {

using test::expect_error;
using test::max_difference;
using test::metrics;
using test::saved_state;
using test::TemporaryFolder;

config::TrainConfig tiny() {
  config::TrainConfig config = test::tiny_config();
  config.validate_every = 5;
  config.log_every = 2;
  config.max_steps = 20;
  config.dropout = 0.3;
  config.learning_rate = 1e-2;
  return config;
}

TEST(Trainer, LearnsAndKeepsTheBestCheckpoint) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.max_steps = 60;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer trainer(config, data, run);
  const Progress progress = trainer.run();
  EXPECT_EQ(progress.step, 60);
  EXPECT_EQ(progress.finished, "all 60 steps done");

  const auto lines = metrics(folder / "run");
  double first = 0, last = 0, best = -1;
  std::int64_t best_step = 0;
  for (const auto& line : lines) {
    if (line["split"] == "train") last = line["loss"];
    if (line["split"] == "train" && first == 0) first = line["loss"];
    if (line["split"] == "val" && line["Recall@10"] > best) {
      best = line["Recall@10"];
      best_step = line["step"];
    }
  }
  EXPECT_LT(last, first - 0.2);
  EXPECT_EQ(lines.front()["step"], 0);
  EXPECT_EQ(progress.best_recall, best);
  EXPECT_EQ(progress.best_step, best_step);
  EXPECT_EQ(Checkpoint::load(run.checkpoint("best")).progress.step, best_step);
}

TEST(Trainer, TheSameSeedGivesTheSameBitsAndAnotherDoesNot) {
  const data::Dataset data = test::small_demo();
  const auto train = [&](std::int64_t seed) {
    const TemporaryFolder folder;
    auto config = tiny();
    config.seed = seed;
    const RunFolder run = RunFolder::create(folder / "run");
    Trainer(config, data, run).run();
    return saved_state(run);
  };
  const auto once = train(1);
  EXPECT_EQ(train(1), once);
  EXPECT_NE(train(2), once);
}

TEST(Trainer, TheLearningRateFollowsItsSchedule) {
  const data::Dataset data = test::small_demo();
  const TemporaryFolder folder;
  auto config = tiny();
  config.log_every = 1;
  config.lr_schedule = "linear";
  config.warmup_steps = 4;
  config.lr_final_share = 0.5;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  std::vector<double> rates;
  for (const auto& line : metrics(folder / "run")) {
    if (line["split"] == "train") rates.push_back(line["learning_rate"]);
  }
  ASSERT_EQ(rates.size(), 20U);
  EXPECT_DOUBLE_EQ(rates[0], 1e-2 / 4);
  EXPECT_DOUBLE_EQ(rates[3], 1e-2);
  EXPECT_DOUBLE_EQ(rates[12], 1e-2 * (1 - 0.5 * 8 / 16));
  EXPECT_NE(saved_state(run), [&] {
    config.lr_schedule = "constant";
    const RunFolder other = RunFolder::create(folder / "other");
    Trainer(config, data, other).run();
    return saved_state(other);
  }()) << "the schedule must reach the weights";
}

// Regression: the rate fell to its end, and with more steps it went on along another curve.
TEST(Trainer, ARateThatFallsToTheLastStepKeepsThatStep) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.lr_schedule = "cosine";
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  auto longer = config;
  longer.max_steps = 2 * config.max_steps;
  EXPECT_EQ(config::differences(config, longer), std::vector<std::string>{"max_steps"});
  expect_error(ErrorKind::file,
               "last: a resumed run cannot change max_steps (20, not 40), since its learning rate falls to "
               "the last step; start a new one for that (begun with lr_decay_steps, which says where the "
               "rate ends, it can be prolonged)",
               [&] { Trainer(longer, data, run).resume(Checkpoint::load(run.checkpoint("last")), "last"); });
  config.lr_decay_steps = longer.lr_decay_steps = 30;
  EXPECT_TRUE(config::differences(config, longer).empty());
}

// Regression: the run was saved as "all 3 steps done" at step 20.
TEST(Trainer, CannotGoBackToFewerSteps) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  config.max_steps = 3;
  expect_error(ErrorKind::usage, "is at step 20, further than the 3 asked for",
               [&] { Trainer(config, data, run).resume(Checkpoint::load(run.checkpoint("last")), "last"); });
}

// Regression: the checkpoint kept the old limits, and a sweep took the run for one that never ends.
TEST(Trainer, AFinishedRunTakesNewLimits) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  config.max_epochs = 12345;
  Trainer again(config, data, run);
  again.resume(Checkpoint::load(run.checkpoint("last")), "last");
  EXPECT_EQ(again.run().finished, "all 20 steps done");
  EXPECT_EQ(Checkpoint::load(run.checkpoint("last")).parse_config("last").max_epochs, 12345);
}

TEST(Trainer, EpochsBeyondAllNumbersAreNoNegativeSteps) {
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.max_steps = 0;
  config.max_epochs = std::numeric_limits<std::int64_t>::max() / 2;
  config.batch_size = 1;
  EXPECT_GT(Stepper(config, data).planned_steps(), 1000000);
}

// Regression: with max_epochs = 0 nothing was trained, while max_steps = 0 and patience = 0 are no limit.
TEST(Trainer, NoEpochsAreNoLimit) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.max_epochs = 0;
  const RunFolder run = RunFolder::create(folder / "run");
  EXPECT_EQ(Trainer(config, data, run).run().finished, "all 20 steps done");
  config.max_steps = 0;
  config.patience = 1;
  config.learning_rate = 0;
  const RunFolder patient = RunFolder::create(folder / "patient");
  EXPECT_EQ(Trainer(config, data, patient).run().finished, "no better Recall@10 in 1 round");
}

// Regression: the time of only one step in log_every was logged.
TEST(Trainer, LogsTheMeanTimeOfAllSteps) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.log_every = 5;
  const RunFolder run = RunFolder::create(folder / "run");
  double sum = 0;
  Trainer(config, data, run, {.on_step = [&](const auto& e) { sum += e.seconds; }}).run();
  double logged = 0;
  for (const auto& line : run.log_lines()) {
    if (line["split"] == "train") logged += 5 * line["step_seconds"].get<double>();
  }
  EXPECT_NEAR(logged, sum, 1e-6 + 1e-6 * sum);
}

// Stop after any step, resume, and end at the same bits: weights, moments, patience and metrics.
TEST(Trainer, AResumedRunEndsAtTheSameBits) {
  const data::Dataset data = test::small_demo();
  const TemporaryFolder folder;
  auto config = tiny();
  config.lr_schedule = "cosine";
  config.warmup_steps = 3;
  const RunFolder whole = RunFolder::create(folder / "whole");
  Trainer(config, data, whole).run();
  EXPECT_EQ(whole.eigenvalue_lines().at(0)["lambda"].size(), 2U) << "of every block";
  for (const std::int64_t stop : {1, 4, 5, 7, 13, 19}) {
    const std::string name = "stopped" + std::to_string(stop);
    const RunFolder run = RunFolder::create(folder / name);
    Events events;
    std::int64_t steps = 0;
    events.stop_requested = [&] { return ++steps == stop; };
    Trainer first(config, data, run, events);
    EXPECT_EQ(first.run().step, stop);
    EXPECT_EQ(first.progress().finished, "");

    Trainer second(config, data, run);
    const auto loaded = run.load_last();
    second.resume(loaded.checkpoint, loaded.path);
    run.cut_log(loaded.checkpoint.progress.step);
    second.run();
    EXPECT_EQ(saved_state(run), saved_state(whole)) << "stopped after step " << stop;
    EXPECT_EQ(metrics(folder / name), metrics(folder / "whole")) << "the loss logged after it, too";
    EXPECT_EQ(run.eigenvalue_lines(), whole.eigenvalue_lines());
  }
}

// Regression: d and 1 - d as floats do not add up to 1, which shrank the weights by some percent for d near
// 1.
TEST(WeightAverage, OfWeightsThatStandStillIsTheWeights) {
  const model::LRURec model({.num_items = 9, .hidden = 4, .channels = 3}, 1);
  WeightAverage average(model, 0.99999);
  for (int step = 1000000; step < 1000200; ++step) average.update(model, step);
  for (const auto& p : model.named_parameters()) {
    EXPECT_EQ(max_difference(average.model().parameter(p.name).value(), p.variable.value()), 0) << p.name;
  }
}

/// With a parameter under two names.
struct TiedWeights : model::LRURec {
  TiedWeights(const model::ModelConfig& config, nn::Initializer init)
      : LRURec(config, init), extra(1, 1, init) {
    register_module("one", extra);
    register_module("two", extra);
  }
  const model::ModelInfo& info() const override {
    static const model::ModelInfo tied = [] {
      model::ModelInfo info = LRURec::about();
      info.make = [](const model::ModelConfig& config,
                     const nn::Initializer& init) -> std::unique_ptr<model::Model> {
        return std::make_unique<TiedWeights>(config, init);
      };
      return info;
    }();
    return tied;
  }
  nn::Linear extra;
};

TEST(WeightAverage, MovesAWeightUnderTwoNamesOnce) {
  TiedWeights model({.num_items = 9, .hidden = 4, .channels = 3}, nn::Initializer(1));
  model.extra.weight.set_value(Tensor::full({1, 1}, 1));
  WeightAverage average(model, 0.5);
  model.extra.weight.set_value(Tensor::full({1, 1}, 3));
  average.update(model, 1000);
  EXPECT_EQ(average.model().parameter("two.weight").value().item<float>(), 2);
}

// The average of the weights over the steps is validated and kept as best, and a resumed run continues it.
TEST(Trainer, AveragesWeights) {
  const data::Dataset data = test::small_demo();
  const TemporaryFolder folder;
  auto config = tiny();
  config.average = 0.3;
  config.max_steps = config.validate_every = 7;
  const RunFolder whole = RunFolder::create(folder / "whole"), run = RunFolder::create(folder / "run");
  Trainer trainer(config, data, whole);
  trainer.run();
  ASSERT_EQ(trainer.progress().best_step, 7);

  // By hand, from the weights after each step.
  Stepper stepper(config, data);
  std::map<std::string, std::vector<double>> average;
  const auto numbers = [](const Tensor& value) {
    return (is_complex(value.dtype()) ? value.view_as_real() : value).to(DType::f64).to_vector<double>();
  };
  for (const auto& p : stepper.model().named_parameters()) average[p.name] = numbers(p.variable.value());
  for (std::int64_t step = 0; step < 7; ++step) {
    stepper.run(step);
    const double t = static_cast<double>(step + 1), d = std::min(0.3, t / (t + 9));
    for (const auto& p : stepper.model().named_parameters()) {
      const auto now = numbers(p.variable.value());
      for (std::size_t i = 0; i < now.size(); ++i)
        average[p.name][i] = d * average[p.name][i] + (1 - d) * now[i];
    }
  }
  const auto best = Checkpoint::load(whole.checkpoint("best")),
             last = Checkpoint::load(whole.checkpoint("last"));
  const auto model = load_model(best, "best"), raw = load_model(last, "last");
  for (const auto& p : model->named_parameters()) {
    const auto found = numbers(p.variable.value());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], average[p.name][i], 1e-6) << p.name;
    EXPECT_EQ(max_difference(raw->parameter(p.name).value(), stepper.model().parameter(p.name).value()), 0);
  }

  Events events;
  std::int64_t steps = 0;
  events.stop_requested = [&] { return ++steps == 3; };
  Trainer(config, data, run, events).run();
  const auto loaded = run.load_last();
  Trainer second(config, data, run);
  second.resume(loaded.checkpoint, loaded.path);
  second.run();
  EXPECT_EQ(saved_state(run), saved_state(whole));
}

TEST(Trainer, ACrashBetweenCheckpointsLosesNothing) {
  const data::Dataset data = test::small_demo();
  const TemporaryFolder folder;
  const auto config = tiny();
  const RunFolder whole = RunFolder::create(folder / "whole"), run = RunFolder::create(folder / "run");
  Trainer(config, data, whole).run();
  Events events;
  events.on_step = [](const StepEvent& e) {
    if (e.step == 13) throw std::runtime_error("power cut");
  };
  EXPECT_THROW(Trainer(config, data, run, events).run(), std::runtime_error);
  const auto loaded = run.load_last();
  EXPECT_EQ(loaded.checkpoint.progress.step, 10);
  run.cut_log(10);
  Trainer second(config, data, run);
  second.resume(loaded.checkpoint, loaded.path);
  second.run();
  EXPECT_EQ(saved_state(run), saved_state(whole));
  EXPECT_EQ(metrics(folder / "run"), metrics(folder / "whole"));
}

TEST(Trainer, StopsAfterRoundsWithoutABetterRecall) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.learning_rate = 0;
  config.patience = 3;
  const RunFolder run = RunFolder::create(folder / "run");
  const Progress progress = Trainer(config, data, run).run();
  EXPECT_EQ(progress.step, 15);
  EXPECT_EQ(progress.finished, "no better Recall@10 in 3 rounds");
  EXPECT_EQ(progress.best_step, 0);
}

TEST(Trainer, AFinishedRunCanGoOnWithMoreSteps) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  const RunFolder whole = RunFolder::create(folder / "whole"), run = RunFolder::create(folder / "run");
  Trainer(config, data, whole).run();
  config.max_steps = 10;
  Trainer(config, data, run).run();
  config.max_steps = 20;
  Trainer second(config, data, run);
  const auto loaded = run.load_last();
  second.resume(loaded.checkpoint, loaded.path);
  second.run();
  EXPECT_EQ(saved_state(run), saved_state(whole));
}

// Regression: a run that ended between two rounds counted one round more than the same run without that end.
TEST(Trainer, TheRoundAtAnEndDoesNotCountForPatience) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.patience = 1;
  config.learning_rate = 0;  // no round is better than the first
  const RunFolder whole = RunFolder::create(folder / "whole"), run = RunFolder::create(folder / "run");
  const Progress expected = Trainer(config, data, whole).run();
  EXPECT_EQ(expected.step, 5);
  config.max_steps = 3;
  Trainer(config, data, run).run();
  config.max_steps = 20;
  Trainer second(config, data, run);
  const auto loaded = run.load_last();
  second.resume(loaded.checkpoint, loaded.path);
  EXPECT_EQ(second.run().step, 5);
  EXPECT_EQ(saved_state(run), saved_state(whole));
}

// Regression: the error was about broken scores of the round, without step, tensor or learning rate.
TEST(Trainer, WeightsThatBreakBeforeAValidationAreNamed) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  const auto config = tiny();
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer* trainer = nullptr;
  Events events;
  events.on_step = [&](const StepEvent& e) {
    if (e.step != 5) return;
    for (const auto& p : trainer->model().named_parameters()) {
      if (p.name == "bias")
        Tensor(p.variable.value()).copy_(Tensor::full(p.variable.shape(), NAN, DType::f32));
    }
  };
  Trainer own(config, data, run, events);
  trainer = &own;
  expect_error(ErrorKind::non_finite,
               "after step 5 parameter bias at entry 0 is not finite (learning rate 0.01); the checkpoints "
               "before it are intact; start a new run, in another folder, with a smaller --learning-rate",
               [&] { own.run(); });
  EXPECT_EQ(run.load_last().checkpoint.progress.step, 0);
}

// Regression: the run was called interrupted, though nothing was left to do.
TEST(Trainer, AStopAfterTheLastRoundIsTooLate) {
  const data::Dataset data = test::small_demo();
  const TemporaryFolder folder;
  auto config = tiny();
  bool stop = false;
  Events events;
  events.on_validation = [&](const ValidationEvent& e) { stop = e.step == 20; };
  events.stop_requested = [&] { return stop; };
  const RunFolder run = RunFolder::create(folder / "run");
  EXPECT_EQ(Trainer(config, data, run, events).run().finished, "all 20 steps done");
  // If a round is still to be made, the run is saved as it stands.
  config.max_steps = 18;
  stop = false;
  events.on_validation = [](const ValidationEvent&) {};
  events.on_step = [&](const StepEvent& e) { stop = e.step == 18; };
  const RunFolder other = RunFolder::create(folder / "other");
  EXPECT_EQ(Trainer(config, data, other, events).run().finished, "");
  EXPECT_EQ(other.load_last().checkpoint.progress.step, 18);
}

// Regression: the first validation round had been made by then, and the message named settings that do not
// exist.
TEST(Stepper, AScheduleThatCannotBeIsRefusedBeforeTheFirstStep) {
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.lr_schedule = "cosine";
  config.warmup_steps = 100;
  const auto refused = [&](const std::string& message) {
    expect_error(ErrorKind::usage, message, [&] { Stepper(config, data); });
  };
  refused(
      "the learning rate rises for 100 steps (warmup_steps), but must have fallen after 20 (max_steps); set "
      "--warmup-steps to fewer, or --max-steps to more");
  config.lr_decay_steps = 7;
  refused("fallen after 7 (lr_decay_steps); set --warmup-steps to fewer, or --lr-decay-steps to more");
  config.lr_decay_steps = config.max_steps = 0;
  config.max_epochs = 3;
  refused("fallen after 15 (max_epochs); set --warmup-steps to fewer, or --max-epochs to more");
  config.max_epochs = 0;
  refused("lr_schedule = cosine falls until the last step, but the steps have no limit; set --max-steps");
  config.lr_decay_steps = 200;
  EXPECT_EQ(Stepper(config, data).planned_steps(), Stepper::no_limit);
}

TEST(Trainer, AnEigenvalueOfModulusOneIsNeverSaved) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  const auto config = tiny();
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer* trainer = nullptr;
  Events events;
  events.on_step = [&](const StepEvent& e) {
    if (e.step != 7) return;
    for (const auto& p : trainer->model().named_parameters()) {
      if (p.name == "blocks.0.lru.nu_log")
        Tensor(p.variable.value()).copy_(Tensor::full(p.variable.shape(), -18, DType::f32));
    }
  };
  Trainer own(config, data, run, events);
  trainer = &own;
  expect_error(ErrorKind::non_finite, "an eigenvalue has modulus 1", [&] { own.run(); });
  EXPECT_EQ(run.load_last().checkpoint.progress.step, 5);
}

TEST(Trainer, RefusesToResumeWithOtherDataOrSettings) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo(), other = test::small_demo(2);
  auto config = tiny();
  config.max_steps = 5;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  const auto loaded = run.load_last();
  expect_error(ErrorKind::file, "another data set",
               [&] { Trainer(config, other, run).resume(loaded.checkpoint, loaded.path); });
  config.weight_decay = 0.5;
  expect_error(ErrorKind::file, "cannot change weight_decay (0.01, not 0.5); start a new one for that",
               [&] { Trainer(config, data, run).resume(loaded.checkpoint, loaded.path); });
}

TEST(Trainer, ANonFiniteStepStopsNamingItAndSavesNothing) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = tiny();
  config.learning_rate = 1e15;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer trainer(config, data, run);
  expect_error(ErrorKind::non_finite, "max |lambda|", [&] { trainer.run(); });
  EXPECT_EQ(run.load_last().checkpoint.progress.step, 0);
  const Checkpoint best = Checkpoint::load(run.checkpoint("best"));
  EXPECT_EQ(best.progress.step, 0);
  model::LRURec model(config.model_config(data.items(), data.users()), 0);
  EXPECT_NO_THROW(load_parameters(best, "best", model));
}

}  // namespace
}  // namespace lrurec::train
