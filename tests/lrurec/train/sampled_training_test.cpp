// Training with a sampled softmax and sampled validation.

#include <cmath>
#include <nlohmann/json.hpp>

#include "lrurec/data/negatives.h"
#include "lrurec/train/trainer.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"
#include "tests/support/trained.h"

namespace lrurec::train {
namespace {

using test::metrics;
using test::saved_state;
using test::TemporaryFolder;

config::TrainConfig tiny_sampled(bool shared, bool corrected = false) {
  config::TrainConfig config = test::tiny_config();
  config.validate_every = 5;
  config.log_every = 2;
  config.max_steps = 20;
  config.dropout = 0.1;
  config.learning_rate = 1e-2;
  config.negatives = shared ? 20 : 8;
  config.negatives_shared = shared;
  config.log_correction = corrected;
  config.eval_negatives = 15;
  return config;
}

TEST(SampledTraining, LowersTheFullLoss) {
  const data::Dataset data = test::small_demo();
  for (const bool shared : {false, true}) {
    const TemporaryFolder folder;
    auto config = tiny_sampled(shared, /*corrected=*/shared);
    config.max_steps = 50;
    const RunFolder run = RunFolder::create(folder / "run");
    Trainer trainer(config, data, run);
    // Over the training items and all classes: what the sampled loss stands for.
    data::PackedBatch batch;
    for (const auto& window : data::training_windows(data, config.max_length)) {
      data::pack_window(data, window, config.max_length, batch);
    }
    const auto full_loss = [&] {
      const NoGrad no_grad;
      return trainer.model()
          .loss({Tensor::from(batch.items), Tensor::from(batch.offsets), Tensor::from(batch.labels)})
          .value()
          .item<float>();
    };
    const float before = full_loss();
    trainer.run();
    EXPECT_LT(full_loss(), before - 0.3F) << shared;
  }
}

// With the correction, the loss over negatives starts where the full one does: at log(items).
TEST(SampledTraining, TheCorrectedLossIsOnTheScaleOfTheFullOne) {
  const data::Dataset data = test::small_demo();
  for (const bool shared : {false, true}) {
    const TemporaryFolder folder;
    auto config = tiny_sampled(shared, true);
    config.max_steps = 2;
    Trainer(config, data, RunFolder::create(folder / "run")).run();
    for (const auto& line : metrics(folder / "run")) {
      if (line["split"] == "train") {
        EXPECT_NEAR(line["loss"].get<double>(), std::log(data.items()), 0.15);
      }
    }
  }
}

TEST(SampledTraining, AResumedRunEndsAtTheSameBits) {
  const data::Dataset data = test::small_demo();
  for (const bool shared : {false, true}) {
    const TemporaryFolder folder;
    const auto config = tiny_sampled(shared);
    const RunFolder whole = RunFolder::create(folder / "whole"), run = RunFolder::create(folder / "run");
    Trainer(config, data, whole).run();
    Events events;
    std::int64_t steps = 0;
    events.stop_requested = [&] { return ++steps == 8; };
    Trainer(config, data, run, events).run();
    Trainer second(config, data, run);
    const auto loaded = run.load_last();
    second.resume(loaded.checkpoint, loaded.path);
    second.run();
    EXPECT_EQ(saved_state(run), saved_state(whole));
    EXPECT_EQ(metrics(folder / "run"), metrics(folder / "whole"));
  }
}

TEST(SampledTraining, ValidationIsNamedSampled) {
  const data::Dataset data = test::small_demo();
  const TemporaryFolder folder;
  auto config = tiny_sampled(true);
  config.learning_rate = 0;
  config.patience = 2;
  const auto progress = Trainer(config, data, RunFolder::create(folder / "run")).run();
  EXPECT_EQ(progress.finished, "no better sampled Recall@10 in 2 rounds");
  for (const auto& line : metrics(folder / "run")) {
    if (line["split"] != "val") continue;
    EXPECT_EQ(line["candidates"], "15 sampled");
    EXPECT_TRUE(line.contains("sampled Recall@10"));
    EXPECT_TRUE(line.contains("sampled loss"));
    EXPECT_FALSE(line.contains("Recall@10"));
    EXPECT_FALSE(line.contains("loss"));
  }
}

// A run of preset xlong from before there were negatives must go on as it was.
TEST(SampledTraining, ASavedConfigurationWithoutNegativesHasTheFullSoftmax) {
  std::string toml;
  std::istringstream lines(config::to_toml(config::preset("xlong")));
  for (std::string line; std::getline(lines, line);) {
    if (line.find("negatives") == std::string::npos && !line.starts_with("log_correction"))
      toml += line + '\n';
  }
  Checkpoint checkpoint;
  checkpoint.config = toml;
  const auto config = checkpoint.parse_config("x.ckpt");
  EXPECT_EQ(config.preset, "xlong");
  EXPECT_EQ(config.max_length, 1000);
  EXPECT_EQ(config.negatives, 0);
  EXPECT_FALSE(config.negatives_shared);
  EXPECT_EQ(config.eval_negatives, 0);
  checkpoint.config = config::to_toml(config::preset("xlong"));
  EXPECT_EQ(checkpoint.parse_config("x.ckpt"), config::preset("xlong"));
}

}  // namespace
}  // namespace lrurec::train
