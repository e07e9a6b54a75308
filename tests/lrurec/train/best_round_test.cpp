// Which round's weights are kept as the best, also after kills and in runs of earlier versions.

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "lrurec/train/trainer.h"
#include "nn/serialization/archive.h"
#include "nn/serialization/envelope.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/trained.h"

namespace lrurec::train {
namespace {

using test::TemporaryFolder;

config::TrainConfig rounds_of_five() {
  config::TrainConfig config = test::tiny_config();
  config.validate_every = 5;
  config.max_steps = 40;
  config.learning_rate = 1e-2;
  return config;
}

/// Everybody walks through eight items in order: whatever the weights, a target is among the ten best.
data::Dataset eight_items() {
  std::vector<std::vector<std::int32_t>> sequences;
  for (std::int32_t user = 0; user < 60; ++user) {
    auto& sequence = sequences.emplace_back();
    for (std::int32_t i = 0; i < 6; ++i) sequence.push_back((user + i) % 8 + 1);
  }
  return test::make_dataset(sequences);
}

std::vector<std::byte> last_bytes(const RunFolder& run) {
  return nn::to_bytes(Checkpoint::load(run.checkpoint("last")));
}

// Regression: the first round, that of the weights before any training, stayed the best.
TEST(BestRound, OfEqualRecallHasTheHigherNdcg) {
  for (const std::int64_t negatives : {0, 5}) {
    const TemporaryFolder folder;
    const data::Dataset data = negatives > 0 ? test::small_demo() : eight_items();
    auto config = rounds_of_five();
    config.eval_negatives = negatives;
    const RunFolder run = RunFolder::create(folder / "run");
    const Progress progress = Trainer(config, data, run).run();
    const std::string label = negatives > 0 ? "sampled " : "";
    double highest = -1;
    std::int64_t step = -1;
    for (const auto& line : run.log_lines()) {
      if (line["split"] != "val") continue;
      EXPECT_EQ(line[label + "Recall@10"], 1) << line;
      if (line[label + "NDCG@10"] <= highest) continue;
      highest = line[label + "NDCG@10"];
      step = line["step"];
    }
    EXPECT_GT(step, 0) << "it learns";
    EXPECT_EQ(progress.best_step, step);
    EXPECT_EQ(progress.best_ndcg, highest);
    EXPECT_EQ(Checkpoint::load(run.checkpoint("best")).progress.step, step);
  }
}

// Its best round stays the best until a higher Recall@10, as in the version that wrote it.
TEST(BestRound, OfARunOfVersionThreeHasNoNdcg) {
  const TemporaryFolder folder;
  const data::Dataset data = eight_items();
  auto config = rounds_of_five();
  config.max_steps = 5;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  Checkpoint old = Checkpoint::load(run.checkpoint("last"));
  old.version = 3;
  old.progress.best_step = 0;
  nn::write_envelope(folder / "old.ckpt", "run", 3, nn::to_bytes(old));
  const Checkpoint read = Checkpoint::load(folder / "old.ckpt");
  EXPECT_EQ(read.progress.best_ndcg, 1);
  config.max_steps = 20;
  Trainer trainer(config, data, run);
  trainer.resume(read, "old.ckpt");
  EXPECT_EQ(trainer.run().best_step, 0);
}

// best.ckpt is saved before the progress: after a kill between the two it is of a round that the progress
// does not know. The round is made again, with the same bits.
TEST(BestRound, IsMadeAgainAfterAKillBeforeItsProgressWasSaved) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  const auto config = rounds_of_five();
  const RunFolder whole = RunFolder::create(folder / "whole"), run = RunFolder::create(folder / "run");
  Trainer(config, data, whole).run();
  Events events;
  events.on_validation = [](const ValidationEvent& e) {
    if (e.best && e.step > 0) throw std::runtime_error("power cut");
  };
  EXPECT_THROW(Trainer(config, data, run, events).run(), std::runtime_error);
  const auto loaded = run.load_last();
  const std::int64_t there = run.load("best").progress.step;
  EXPECT_GT(there, loaded.checkpoint.progress.step);
  Trainer second(config, data, run);
  second.resume(loaded.checkpoint, loaded.path);
  second.replace_best();
  second.run();
  EXPECT_EQ(last_bytes(run), last_bytes(whole));
  EXPECT_EQ(test::read_bytes(run.checkpoint("best")), test::read_bytes(whole.checkpoint("best")));
}

TEST(BestRound, IsTheNextWhereItsWeightsAreLost) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = rounds_of_five();
  config.learning_rate = 0;  // no round is better than the first
  config.max_steps = 7;
  config.patience = 3;
  const RunFolder run = RunFolder::create(folder / "run");
  EXPECT_EQ(Trainer(config, data, run).run().best_step, 0);
  std::filesystem::remove(run.checkpoint("best"));
  config.max_steps = 40;
  Trainer second(config, data, run);
  const auto loaded = run.load_last();
  second.resume(loaded.checkpoint, loaded.path);
  second.replace_best();
  const Progress progress = second.run();
  EXPECT_EQ(progress.best_step, 10);
  EXPECT_EQ(run.load("best").progress.step, 10);
  EXPECT_EQ(progress.step, 15) << "patience goes on as without the loss";
}

}  // namespace
}  // namespace lrurec::train
