// lrurec sweep on small demonstration data.

#include <nlohmann/json.hpp>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::read_bytes;
using test::read_text;
using test::run_lrurec;
using test::TemporaryFolder;
using test::write_text;

const std::string head = "data = 'd.lrd'\nseeds = [1, 2]\njobs = 2\n";
const std::string settings =
    "[settings]\nhidden = 8\nchannels = 12\nmax_length = 6\nbatch_size = 16\nlearning_rate = 0.01\n";

void make_data(const TemporaryFolder& folder) {
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
}

nlohmann::json results(const TemporaryFolder& folder) {
  return nlohmann::json::parse(read_text(folder / "out/sweep.json"));
}

TEST(SweepCommand, ChoosesByValidationAndTestsOnlyTheChosen) {
  const TemporaryFolder folder;
  make_data(folder);
  write_text(folder / "s.toml",
             head + settings + "max_steps = 10\nvalidate_every = 5\n[grid]\ndropout = [0.1, 0.8]\n");
  const auto plan = run_lrurec(folder, "sweep s.toml -o out --dry-run");
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("4 runs, at most 2 at once"), std::string::npos) << plan.out;
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));

  const auto first = run_lrurec(folder, "sweep s.toml -o out");
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.err.find('\r'), std::string::npos);
  const auto found = results(folder);
  ASSERT_EQ(found["configurations"].size(), 2U);
  std::string best;
  double highest = -1;
  for (const auto& point : found["configurations"]) {
    double sum = 0;
    for (const auto& run : point["runs"]) {
      const std::string path = run["folder"].get<std::string>();
      sum += run["validation"]["Recall@10"].get<double>();
      // The number is that of the run's own best step.
      EXPECT_NE(read_text(folder / (path + "/metrics.jsonl")).find(run["validation"]["Recall@10"].dump()),
                std::string::npos);
    }
    EXPECT_DOUBLE_EQ(point["validation_mean"].get<double>(), sum / 2);
    if (sum / 2 > highest) {
      highest = sum / 2;
      best = point["name"].get<std::string>();
    }
  }
  EXPECT_EQ(found["best"], best);
  EXPECT_NE(first.out.find("best by validation: " + best), std::string::npos) << first.out;
  for (const char* name : {"dropout=0.1", "dropout=0.8"}) {
    EXPECT_EQ(std::filesystem::exists(folder / ("out/" + std::string(name) + "/seed=1/evaluation-test.json")),
              name == best);
  }
  EXPECT_TRUE(found["test"]["NDCG@10"].contains("deviation"));

  // Once more: nothing is trained. A further grid point: that alone.
  const auto before = read_bytes(folder / "out/dropout=0.1/seed=1/checkpoints/last.ckpt");
  write_text(folder / "s.toml",
             head + settings + "max_steps = 10\nvalidate_every = 5\n[grid]\ndropout = [0.1, 0.8, 0.4]\n");
  const auto again = run_lrurec(folder, "sweep s.toml -o out --no-test --json");
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("4 of 6 runs are there already"), std::string::npos) << again.err;
  EXPECT_EQ(read_bytes(folder / "out/dropout=0.1/seed=1/checkpoints/last.ckpt"), before);
  EXPECT_EQ(nlohmann::json::parse(again.out)["configurations"].size(), 3U);
  EXPECT_FALSE(nlohmann::json::parse(again.out).contains("test"));

  // The same folder for other settings would mix them up.
  write_text(
      folder / "s.toml",
      head + settings + "weight_decay = 0.5\nmax_steps = 10\nvalidate_every = 5\n[grid]\ndropout = [0.1]\n");
  const auto changed = run_lrurec(folder, "sweep s.toml -o out");
  EXPECT_EQ(changed.code, 2);
  EXPECT_NE(changed.err.find("trained with another weight_decay"), std::string::npos) << changed.err;
}

TEST(SweepCommand, GoesOnAfterAnInterruptionAsIfThereHadBeenNone) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string longer = "max_steps = 1500\nvalidate_every = 500\npatience = 0\n";
  write_text(folder / "s.toml", head + settings + longer);
  const auto stopped =
      test::run_shell(folder, "timeout -s INT 1 " + test::command_path() + " sweep s.toml -o out --no-test");
  // timeout's own code, or the command's where it had begun to listen; a fast machine may be through.
  ASSERT_TRUE(stopped.code == 124 || stopped.code == 0) << stopped.code << stopped.err;
  if (stopped.code == 124) {
    EXPECT_NE(stopped.err.find("Continue with: lrurec sweep s.toml -o out"), std::string::npos)
        << stopped.err;
  }
  const auto whole = run_lrurec(folder, "sweep s.toml -o out --no-test");
  ASSERT_EQ(whole.code, 0) << whole.err;
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o alone --config out/settings/seed=2.toml -q").code, 0);
  EXPECT_EQ(read_bytes(folder / "alone/checkpoints/best.ckpt"),
            read_bytes(folder / "out/settings/seed=2/checkpoints/best.ckpt"));
}

TEST(SweepCommand, AFailedRunStopsNoOther) {
  const TemporaryFolder folder;
  make_data(folder);
  // The first leaves the numbers within four steps, the second, whose weights grow a hundredfold a step,
  // later.
  write_text(
      folder / "s.toml",
      head + settings + "max_steps = 60\nvalidate_every = 30\n[grid]\nweight_decay = [1e15, 1e4, 0.01]\n");
  const auto swept = run_lrurec(folder, "sweep s.toml -o out --no-test");
  EXPECT_EQ(swept.code, 6) << swept.err << swept.out;
  EXPECT_NE(swept.err.find("failed with exit code 6"), std::string::npos) << swept.err;
  EXPECT_NE(swept.err.find("4 of 6 runs failed"), std::string::npos) << swept.err;
  const auto found = results(folder);
  for (const int lost : {0, 1}) {
    const auto& run = found["configurations"][lost]["runs"][1];
    EXPECT_FALSE(run["finished"].get<bool>());
    EXPECT_EQ(run["exit_code"], 6);
    EXPECT_NE(run["error"].get<std::string>().find("step"), std::string::npos) << run["error"];
  }
  EXPECT_TRUE(found["configurations"][2]["runs"][1]["finished"].get<bool>());
  EXPECT_EQ(found["best"], found["configurations"][2]["name"]);
}

TEST(SweepCommand, RefusesBeforeAnythingRuns) {
  const TemporaryFolder folder;
  make_data(folder);
  write_text(folder / "s.toml", head + settings + "[grid]\ndropuot = [0.1]\n");
  const auto typo = run_lrurec(folder, "sweep s.toml -o out");
  EXPECT_EQ(typo.code, 2);
  EXPECT_NE(typo.err.find("s.toml:11: unknown key 'dropuot'; did you mean 'dropout'?"), std::string::npos)
      << typo.err;
  write_text(folder / "s.toml", head + settings);
  const auto little = run_lrurec(folder, "sweep s.toml -o out --memory '1 MB'");
  EXPECT_EQ(little.code, 7);
  EXPECT_NE(little.err.find("alone needs about"), std::string::npos) << little.err;
  write_text(folder / "s.toml", "data = 'none.lrd'\n");
  EXPECT_EQ(run_lrurec(folder, "sweep s.toml -o out").code, 5);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

}  // namespace
}  // namespace lrurec
