// A run's folder and its checkpoints: whole or refused, and never another run's.

#include "lrurec/train/run_folder.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "lrurec/model/lrurec.h"
#include "lrurec/model/models.h"
#include "lrurec/train/loaded_run.h"
#include "lrurec/train/trainer.h"
#include "nn/serialization/archive.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::train {
namespace {

using test::expect_error;
using test::TemporaryFolder;

config::TrainConfig ten_steps() {
  config::TrainConfig config;
  config.hidden = 8;
  config.channels = 12;
  config.max_length = 6;
  config.batch_size = 16;
  config.validate_every = 5;
  config.max_steps = 10;
  return config;
}

TEST(RunFolder, FallsBackToThePreviousCheckpoint) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = ten_steps();
  config.max_steps = 10;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  auto bytes = test::read_bytes(run.checkpoint("last"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  test::write_bytes(run.checkpoint("last"), bytes);
  const auto loaded = run.load_last();
  EXPECT_NE(loaded.warning.find("damaged"), std::string::npos) << loaded.warning;
  EXPECT_EQ(loaded.path, run.checkpoint("previous").string());
  // The next save would have put the damaged one in the place of the whole one.
  EXPECT_FALSE(std::filesystem::exists(run.checkpoint("last")));
  run.save_last(loaded.checkpoint);
  EXPECT_EQ(run.load_last().path, run.checkpoint("last").string());
  test::write_bytes(run.checkpoint("last"), bytes);
  std::filesystem::remove(run.checkpoint("previous"));
  expect_error(ErrorKind::file, "damaged", [&] { run.load_last(); });
}

TEST(Checkpoint, SizesThatTheTensorsDoNotHaveAreRefusedBeforeMemoryIsAskedFor) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  auto config = ten_steps();
  config.max_steps = 1;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  const Checkpoint good = run.load_last().checkpoint;
  const auto refused = [&](const char* message, auto change) {
    Checkpoint bad = good;
    change(bad);
    bad.save(folder / "bad.ckpt");
    expect_error(ErrorKind::file, message, [&] { Checkpoint::load(folder / "bad.ckpt"); });
  };
  const auto with = [&](auto set) {
    return [&, set](Checkpoint& c) {
      auto changed = config;
      set(changed);
      c.config = config::to_toml(changed);
    };
  };
  for (const std::int64_t items : {std::int64_t{-5}, std::int64_t{0}, INT64_MAX, INT64_MIN}) {
    refused("items; 1 to", [&](Checkpoint& c) { c.num_items = items; });
  }
  for (const std::int64_t items : {1000000000, 200000000, 41}) {
    refused("bytes of parameters", [&](Checkpoint& c) { c.num_items = items; });
  }
  refused("bytes of parameters", with([](auto& c) { c.hidden = 65536; }));
  refused("bytes of parameters", with([](auto& c) { c.channels = 65536; }));
  refused("bytes of parameters", with([](auto& c) { c.blocks = 64; }));
  for (const std::int64_t step : {std::int64_t{-1}, INT64_MAX}) {
    refused("its progress cannot be", [&](Checkpoint& c) { c.progress.step = step; });
    refused("its progress cannot be", [&](Checkpoint& c) { c.progress.rounds_without_better = step; });
    refused("its progress cannot be", [&](Checkpoint& c) { c.progress.best_step = step; });
    refused("its progress cannot be", [&](Checkpoint& c) { c.progress.loss_count = step; });
  }
  refused("its progress cannot be", [&](Checkpoint& c) { c.progress.best_recall = NAN; });
  const auto model_config = config.model_config(data.items(), data.users());
  EXPECT_EQ(model::LRURec::about().real_parameters(model_config),
            model::real_parameters(model::LRURec(model_config, 1)));
}

TEST(RunFolder, ItsLogIsDamagedOrWhole) {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "run");
  run.log({{"step", 1}, {"split", "val"}});
  run.log({{"step", 2}, {"split", "val"}});
  const std::string whole = test::read_text(folder / "run/metrics.jsonl");
  EXPECT_EQ(run.log_lines().size(), 2U);
  test::write_text(folder / "run/metrics.jsonl", whole.substr(0, whole.size() - 5));
  EXPECT_EQ(run.log_lines().size(), 1U) << "cut off by a crash";
  test::write_text(folder / "run/metrics.jsonl", "{\"step\": 1}\n" + whole);
  expect_error(ErrorKind::file, "metrics.jsonl:1: the line is damaged", [&] { run.log_lines(); });
}

TEST(RunFolder, NeverTouchesAnotherRun) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "run" / "checkpoints");
  test::write_text(folder / "run" / "config.toml", "seed = 1\n");
  test::write_text(folder / "run" / "checkpoints" / "previous.ckpt", "");
  expect_error(ErrorKind::usage, "already holds a run", [&] { RunFolder::create(folder / "run"); });
  EXPECT_EQ(test::read_text(folder / "run" / "config.toml"), "seed = 1\n");
  expect_error(ErrorKind::io, "cannot make the folder", [] { RunFolder::create("/proc/run"); });
  expect_error(ErrorKind::io, "holds no run", [&] { RunFolder::open(folder.path()); });
}

TEST(RunFolder, TheCheckpointOfAnotherRunIsNotTakenForItsOwn) {
  const TemporaryFolder folder;
  const auto data = test::small_demo();
  for (const std::string model : {"gru4rec", "sasrec"}) {
    config::TrainConfig config = config::preset("ml-1m", model);
    config.hidden = 8;
    config.max_length = 6;
    config.max_steps = config.validate_every = 1;
    const RunFolder run = RunFolder::create(folder / model);
    run.write_config(config);
    run.write_description({{"data", "nowhere.lrd"}});
    Trainer(config, data, run).run();
    EXPECT_EQ(run.load("last").progress.step, 1);
  }
  const RunFolder run = RunFolder::open(folder / "sasrec");
  std::filesystem::copy_file(RunFolder::open(folder / "gru4rec").checkpoint("last"), run.checkpoint("last"),
                             std::filesystem::copy_options::overwrite_existing);
  expect_error(ErrorKind::file, "last.ckpt: its model is not what", [&] { run.load("last"); });
  expect_error(ErrorKind::file, "last.ckpt: its model is not what", [&] { run.load_last(); });
}

TEST(Checkpoint, WrongTensorsAndUnstableEigenvaluesAreRefused) {
  const model::ModelConfig config{.num_items = 5, .hidden = 4, .channels = 6};
  model::LRURec model(config, 1);
  Checkpoint good;
  good.parameters = nn::to_records(model);
  const auto refused = [&](const Checkpoint& checkpoint, const char* message) {
    expect_error(ErrorKind::file, message, [&] { load_parameters(checkpoint, "x.ckpt", model); });
  };
  load_parameters(good, "x.ckpt", model);
  auto bad = good;
  bad.parameters.erase("bias");
  refused(bad, "x.ckpt: tensor 'bias' is missing");
  bad = good;
  bad.parameters["more"] = good.parameters["bias"];
  refused(bad, "tensor 'more' is not part of this model");
  bad = good;
  bad.parameters["bias"] = nn::to_record(Tensor::zeros({7}, DType::f32));
  refused(bad, "tensor 'bias' is f32 [7], f32 [6] is needed");
  bad = good;
  Tensor nan = Tensor::zeros({6}, DType::f32);
  nan.data<float>()[4] = NAN;
  bad.parameters["bias"] = nn::to_record(nan);
  refused(bad, "tensor 'bias' is not finite at entry 4");
  bad = good;
  bad.parameters["blocks.1.lru.nu_log"] = nn::to_record(Tensor::full({6}, -18, DType::f32));
  refused(bad, "an eigenvalue has modulus 1");
}

}  // namespace
}  // namespace lrurec::train
