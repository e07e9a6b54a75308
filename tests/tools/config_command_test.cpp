// config show, config presets and train --dry-run.

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::TemporaryFolder;
using test::write_text;

TEST(ConfigCommand, SaysWhereEachSettingComesFrom) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", "preset = \"beauty\"\n\nseed = 7\nhidden = 32\n");
  const auto shown = run_lrurec(folder, "config show --config my.toml --hidden 16 --tf32 --origin");
  ASSERT_EQ(shown.code, 0) << shown.err;
  for (const char* line :
       {"preset = \"beauty\"                # my.toml:1\n", "seed = 7                         # my.toml:3\n",
        "hidden = 16                      # --hidden\n", "tf32 = true                      # --tf32\n",
        "dropout = 0.6                    # preset beauty\n",
        "beta1 = 0.9                      # default\n"}) {
    EXPECT_NE(shown.out.find(line), std::string::npos) << line << shown.out;
  }
  // What it prints is a configuration.
  write_text(folder / "all.toml", run_lrurec(folder, "config show --config my.toml").out);
  EXPECT_EQ(run_lrurec(folder, "config show --config all.toml").out,
            run_lrurec(folder, "config show --config my.toml").out);
  const auto presets = run_lrurec(folder, "config presets");
  EXPECT_NE(presets.out.find("negatives"), std::string::npos);
  // A model's own presets, which may bring a default back, and its own defaults.
  EXPECT_NE(run_lrurec(folder, "config show --model fmlp-rec --preset ml-1m --origin")
                .out.find("dropout = 0.2                    # preset ml-1m of fmlp-rec\n"),
            std::string::npos);
  EXPECT_EQ(run_lrurec(folder, "config presets --model narm").out.find("final_dropout"), std::string::npos)
      << "the same in all";
  EXPECT_EQ(run_lrurec(folder, "config").code, 2);
}

TEST(ConfigCommand, ADryRunWritesNothing) {
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
  const std::string tiny = " --hidden 8 --channels 12 --batch-size 16 --max-steps 100";
  const auto result = run_lrurec(folder, "train d.lrd -o run --dry-run --json" + tiny);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["max_steps"], 100);
  EXPECT_EQ(json["parameters"][1]["name"], "embedding.weight");
  EXPECT_EQ(json["parameters"][1]["shape"], "[41, 8]");
  EXPECT_GT(json["step_seconds"].get<double>(), 0);
  EXPECT_GT(json["real_parameters"].get<int>(), 41 * 9);
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
  EXPECT_EQ(run_lrurec(folder, "train d.lrd" + tiny).code, 2) << "no folder named";
}

TEST(ConfigCommand, WhatChangesNothingIsRefused) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& flags, const std::string& why) {
    const auto result = run_lrurec(folder, "config show " + flags);
    EXPECT_EQ(result.code, 2) << flags;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
  };
  refused("--lr-final-share 0.5", "changes nothing without --lr-schedule linear or cosine");
  refused("--layer-norm false --norm-first true", "changes nothing without layer norms");
  refused("--pffn false --network swiglu", "changes nothing without position-wise networks");
  refused("--backbone rwkv --ring-min 0.5", "changes nothing without --backbone lru");
  refused("--ring-min 0.995", "ring_min = 0.995 is above ring_max = 0.99");
  refused("--log-correction true", "changes nothing without --negatives");
  refused("--norm-first ''", "needs true or false, not ''");
  refused("--run nowhere --dropout 0.5", "leave out the other flags");
  EXPECT_EQ(run_lrurec(folder, "config show --lr-final-share 0").code, 0) << "as it is anyway";
  EXPECT_EQ(run_lrurec(folder, "config show --lr-schedule cosine --lr-final-share 0.5").code, 0);
  EXPECT_NE(run_lrurec(folder, "config show --norm-first").out.find("norm_first = true"), std::string::npos);
  EXPECT_EQ(run_lrurec(folder, "sweep nothing.toml -o s --seeds ''").code, 2);
}

// Regression: it was an unknown key, with a suggestion.
TEST(ConfigCommand, ASectionIsTold) {
  const TemporaryFolder folder;
  test::write_text(folder / "c.toml", "[train]\nhidden = 8\n");
  const auto refused = run_lrurec(folder, "config show --config c.toml");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("c.toml:1: settings stand without a section; leave out [train]"),
            std::string::npos)
      << refused.err;
}

TEST(ConfigCommand, AClosedPipeEndsItLikeAnyProgram) {
  const TemporaryFolder folder;
  for (const char* command : {"train --help", "config show", "inspect scan --json"}) {
    const auto result = test::run_without_a_reader(folder, test::command_path() + " " + command);
    EXPECT_EQ(result.code, 141) << command << result.err;
    EXPECT_EQ(result.err, "") << command;
  }
}

TEST(ConfigCommand, AFileThatCanBeReadOnlyOnceIsReadOnce) {
  const TemporaryFolder folder;
  const auto shown = test::run_shell(
      folder, "echo 'hidden = 32' | " + test::command_path() + " config show --config /dev/stdin");
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("hidden = 32"), std::string::npos);
  const auto twice = test::run_shell(
      folder, "echo 'hidden = 32' | " + test::command_path() + " config show --origin --config /dev/stdin");
  EXPECT_EQ(twice.code, 2);
  EXPECT_NE(twice.err.find("can be read only once"), std::string::npos) << twice.err;
  // A key of many parts that are quoted, with what would end a key inside the quotes.
  std::string key = "\"=\"";
  for (int i = 0; i < 40000; ++i) key += ".\"=\"";
  test::write_text(folder / "deep.toml", key + " = 1\n");
  const auto deep = run_lrurec(folder, "config show --config deep.toml");
  EXPECT_EQ(deep.code, 2);
  EXPECT_NE(deep.err.find("a key has more than 64 parts"), std::string::npos) << deep.err.substr(0, 200);
}

}  // namespace
}  // namespace lrurec
