// A run's folder and its checkpoints: they are whole or refused, and never those of another run.

#include "lrurec/train/run_folder.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
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
#include "tests/support/trained.h"

namespace lrurec::train {
namespace {

using test::expect_error;
using test::TemporaryFolder;

config::TrainConfig ten_steps() {
  config::TrainConfig config = test::tiny_config();
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
  // Otherwise the next save would put the damaged one in the place of the whole one.
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

// Regression: such files were overwritten, and removed if the start then failed.
TEST(RunFolder, FilesBesideCheckpointsOfTheUserAreKept) {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& name) {
    test::write_text(folder / name / "config.toml", "mine\n");
    test::write_text(folder / name / "metrics.jsonl", "mine too\n");
    expect_error(ErrorKind::usage, "is there and belongs to no run",
                 [&] { RunFolder::create(folder / name); });
    EXPECT_EQ(test::read_text(folder / name / "config.toml"), "mine\n");
    EXPECT_EQ(test::read_text(folder / name / "metrics.jsonl"), "mine too\n");
  };
  fs::create_directories(folder / "bare" / "checkpoints");
  refused("bare");
  fs::create_directories(folder / "text");
  test::write_text(folder / "text" / "checkpoints", "a list of mine");
  refused("text");
  fs::create_directories(folder / "others" / "checkpoints");
  test::write_text(folder / "others" / "checkpoints" / "weights.bin", "of another tool");
  refused("others");
  fs::create_directories(folder / "empty");
  fs::create_directories(folder / "link");
  fs::create_directory_symlink(folder / "empty", folder / "link" / "checkpoints");
  refused("link");
  // Also refused without such files beside it: the checkpoints would land among another tool's files.
  fs::remove(folder / "others" / "config.toml");
  fs::remove(folder / "others" / "metrics.jsonl");
  expect_error(ErrorKind::usage, "checkpoints is there and belongs to no run",
               [&] { RunFolder::create(folder / "others"); });
}

// Only that is replaced, not the user's files of the same names. Regression: those beside an empty
// checkpoints/ were lost.
TEST(RunFolder, WhatAKilledStartLeftIsReplaced) {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const char* described = R"({"fingerprint": "1", "environment": {"lrurec": "0.1"}})";
  const auto start = [&](const std::map<std::string, std::string>& files) {
    fs::create_directories(folder / "run" / "checkpoints");
    for (const auto& [name, text] : files) test::write_text(folder / "run" / name, text);
    RunFolder::create(folder / "run").discard();
    EXPECT_TRUE(fs::is_directory(folder / "run" / "checkpoints")) << "it was there before";
    fs::remove_all(folder / "run");
  };
  start({});
  start({{"metrics.jsonl", ""}, {"notes.txt", "mine"}});
  start({{"metrics.jsonl", ""}, {"run.json", described}});
  start({{"metrics.jsonl", ""},
         {"run.json", described},
         {"config.toml", "of the killed start"},
         {"checkpoints/.next.ckpt.tmp.99999999", "half of it"}});
  const auto refused = [&](const std::string& file, std::map<std::string, std::string> files) {
    expect_error(ErrorKind::usage, file + " is there and belongs to no run", [&] { start(files); });
    for (const auto& [name, text] : files) EXPECT_EQ(test::read_text(folder / "run" / name), text);
    fs::remove_all(folder / "run");
  };
  refused("config.toml", {{"config.toml", "mine"}});
  refused("config.toml", {{"config.toml", "mine"}, {"metrics.jsonl", ""}});
  refused("run.json", {{"run.json", "{\"pace\": \"5:30\"}"}});
  refused("metrics.csv", {{"metrics.csv", "mine"}, {"run.json", described}});
  refused("metrics.jsonl", {{"metrics.jsonl", "mine"}, {"run.json", described}});
  refused("evaluation-final.json", {{"evaluation-final.json", "{}"}, {"run.json", described}});
  refused("checkpoints", {{"checkpoints/next.ckpt", "of another tool"}});
}

// Regression: the folder "aa" stayed.
TEST(RunFolder, DiscardsFoldersOfANameWithASeparatorAtItsEnd) {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "aa/bb/");
  EXPECT_EQ(run.path(), folder / "aa/bb");
  run.discard();
  EXPECT_TRUE(folder.entries().empty());
}

// Regression: last.ckpt was renamed to previous.ckpt, and a reader found no last.ckpt until the new one had
// its name.
TEST(RunFolder, HasALastCheckpointAtEveryMoment) {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "run");
  run.save_last({});
  const int watch = ::inotify_init1(IN_NONBLOCK);
  if (::inotify_add_watch(watch, (folder / "run" / "checkpoints").c_str(), IN_MOVED_FROM | IN_DELETE) < 0) {
    ::close(watch);
    GTEST_SKIP() << "renames cannot be watched here";
  }
  for (const std::int64_t step : {1, 2, 3}) {
    Checkpoint checkpoint;
    checkpoint.config = config::to_toml(ten_steps());
    checkpoint.progress.step = step;
    run.save_last(checkpoint);
  }
  std::vector<std::string> gone;
  alignas(inotify_event) char events[4096];
  for (ssize_t length = 0; (length = ::read(watch, events, sizeof events)) > 0;) {
    for (ssize_t at = 0; at < length;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events + at);
      if (event->len > 0) gone.emplace_back(event->name);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  ::close(watch);
  EXPECT_EQ(std::count(gone.begin(), gone.end(), "last.ckpt"), 0);
  EXPECT_EQ(std::count(gone.begin(), gone.end(), "next.ckpt"), 3) << "the watch sees renames";
  EXPECT_NE(test::read_bytes(run.checkpoint("last")), test::read_bytes(run.checkpoint("previous")));
  for (const auto& entry : std::filesystem::directory_iterator(folder / "run" / "checkpoints")) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp."), std::string::npos) << entry.path();
  }
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

// Regression: the message blamed a checkpoint of another run, or misuse of the command.
TEST(RunFolder, ADamagedConfigIsNotBlamedOnTheCheckpoint) {
  const TemporaryFolder folder;
  auto config = ten_steps();
  config.max_steps = config.validate_every = 1;
  config.dropout = 0.6;
  config.learning_rate = 0.02;
  const RunFolder run = RunFolder::create(folder / "run");
  run.write_config(config);
  run.write_description({{"data", "nowhere.lrd"}});
  Trainer(config, test::small_demo(), run).run();
  const auto file = folder / "run/config.toml";
  const std::string whole = test::read_text(file);
  const auto last_setting = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t length = 0; length <= last_setting; length += length < last_setting - 7 ? 7 : 1) {
    test::write_text(file, whole.substr(0, length));
    expect_error(ErrorKind::file, "the file is damaged: remove it, the checkpoints hold the settings too",
                 [&] { run.load("last"); });
    expect_error(ErrorKind::file, file.string(), [&] { run.load_last(); });
  }
  std::filesystem::remove(file);
  EXPECT_EQ(run.load_last().checkpoint.parse_config("last").dropout, 0.6);
}

// Regression: the first was noticed only as the model was made, as misuse of the library. The second broke
// the TOML in which the settings were saved next.
TEST(Checkpoint, SettingsThatCannotBeAreDamage) {
  const TemporaryFolder folder;
  const data::Dataset data = test::small_demo();
  config::TrainConfig config = config::preset("ml-1m", "sasrec");
  config.hidden = 8;
  config.heads = 2;
  config.max_length = 6;
  config.max_steps = config.validate_every = 1;
  const RunFolder run = RunFolder::create(folder / "run");
  Trainer(config, data, run).run();
  const Checkpoint good = run.load_last().checkpoint;
  const auto refused = [&](const char* before, const char* after, const char* message) {
    Checkpoint bad = good;
    const auto at = bad.config.find(before);
    ASSERT_NE(at, std::string::npos) << bad.config;
    bad.config.replace(at, std::string(before).size(), after);
    bad.save(folder / "bad.ckpt");
    expect_error(ErrorKind::file, message, [&] { Checkpoint::load(folder / "bad.ckpt"); });
  };
  refused("heads = 2", "heads = 3", "hidden = 8 is no multiple of heads = 3");
  refused("\"ml-1m\"", "'a\"b'", "preset needs the name of one");
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
