// lrurec sweep on small demonstration data.

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "tests/support/runs.h"
#include "tests/support/sweeps.h"

namespace lrurec {
namespace {

using test::make_sweep_data;
using test::read_bytes;
using test::read_text;
using test::run_lrurec;
using test::sweep_head;
using test::sweep_results;
using test::sweep_settings;
using test::TemporaryFolder;
using test::write_text;

TEST(SweepCommand, ChoosesByValidationAndTestsOnlyTheChosen) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings +
                                    "max_steps = 10\nvalidate_every = 5\n[grid]\ndropout = [0.1, 0.8]\n");
  const auto plan = run_lrurec(folder, "sweep s.toml -o out --dry-run");
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("4 runs, 4 to be made, at most 2 at once"), std::string::npos) << plan.out;
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));

  const auto first = run_lrurec(folder, "sweep s.toml -o out");
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.err.find('\r'), std::string::npos);
  const auto found = sweep_results(folder);
  ASSERT_EQ(found["configurations"].size(), 2U);
  std::string best;
  double highest = -1;
  for (const auto& point : found["configurations"]) {
    double sum = 0;
    for (const auto& run : point["runs"]) {
      const std::string path = "out/" + run["folder"].get<std::string>();
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

  // The same command trains nothing again. With a further grid point, only that one is trained.
  const auto before = read_bytes(folder / "out/dropout=0.1/seed=1/checkpoints/last.ckpt");
  write_text(folder / "s.toml",
             sweep_head + sweep_settings +
                 "max_steps = 10\nvalidate_every = 5\n[grid]\ndropout = [0.1, 0.8, 0.4]\n");
  const auto again = run_lrurec(folder, "sweep s.toml -o out --no-test --json");
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("4 of 6 runs are there already"), std::string::npos) << again.err;
  EXPECT_EQ(read_bytes(folder / "out/dropout=0.1/seed=1/checkpoints/last.ckpt"), before);
  EXPECT_EQ(nlohmann::json::parse(again.out)["configurations"].size(), 3U);
  EXPECT_FALSE(nlohmann::json::parse(again.out).contains("test"));
  // Regression: the next call forgot a test that had been looked at.
  const auto seen = sweep_results(folder)["tests_seen"];
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0]["configuration"], best);
  EXPECT_EQ(seen[0]["seeds"], found["seeds"]);
  EXPECT_EQ(seen[0]["metrics"], found["test"]);

  // The same folder for other settings would mix them up.
  write_text(folder / "s.toml",
             sweep_head + sweep_settings +
                 "weight_decay = 0.5\nmax_steps = 10\nvalidate_every = 5\n[grid]\ndropout = [0.1]\n");
  const auto changed = run_lrurec(folder, "sweep s.toml -o out");
  EXPECT_EQ(changed.code, 2);
  EXPECT_NE(changed.err.find("trained with another weight_decay"), std::string::npos) << changed.err;
}

// Regression: the message was about a run with intact checkpoints, in a folder that was never made.
TEST(SweepCommand, AFailureWhileMemoryIsMeasuredIsToldAsOne) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml",
             sweep_head + "[settings]\nhidden = 8\nchannels = 12\nmax_length = 6\nlearning_rate = 1e15\n");
  const auto failed = run_lrurec(folder, "sweep s.toml -o out --seeds 1 --no-test");
  EXPECT_EQ(failed.code, 6) << failed.err;
  EXPECT_NE(failed.err.find("while its memory was measured: "), std::string::npos) << failed.err;
  EXPECT_EQ(failed.err.find("checkpoint"), std::string::npos) << failed.err;
  const auto run = sweep_results(folder)["configurations"][0]["runs"][0];
  EXPECT_FALSE(run.contains("folder"));
  EXPECT_NE(run["error"].get<std::string>().find("while its memory was measured: "), std::string::npos);
}

// The model may be of all runs or of the grid; its own presets and test metrics are those that count.
TEST(SweepCommand, OfOtherModels) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  const std::string few = "max_steps = 4\nvalidate_every = 2\nbatch_size = 16\nmax_length = 6\nhidden = 8\n";
  write_text(folder / "one.toml", sweep_head + "[settings]\nmodel = \"narm\"\n" + few);
  const auto one = run_lrurec(folder, "sweep one.toml -o one --seeds 1 --json");
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_TRUE(nlohmann::json::parse(one.out)["test"]["Recall@10"].contains("mean")) << one.out;
  // NARM's preset has a dropout of .25.
  EXPECT_NE(read_text(folder / "one/settings/seed=1/config.toml").find("dropout = 0.25"), std::string::npos);

  write_text(folder / "both.toml", sweep_head + "[settings]\n" + few +
                                       "[grid]\nmodel = [\"narm\", \"sasrec\"]\nweight_decay = [0, 0.1]\n");
  const auto both = run_lrurec(folder, "sweep both.toml -o both --seeds 1");
  ASSERT_EQ(both.code, 0) << both.err;
  EXPECT_NE(both.out.find("model=sasrec,weight_decay=0.1"), std::string::npos) << both.out;
  EXPECT_NE(read_text(folder / "both/model=narm,weight_decay=0/seed=1/config.toml").find("dropout = 0.25"),
            std::string::npos);

  const auto refused = [&](const std::string& text, const std::string& why) {
    write_text(folder / "s.toml", text);
    const auto result = run_lrurec(folder, "sweep s.toml -o out");
    EXPECT_EQ(result.code, 2);
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
  };
  refused("data = 'd.lrd'\n[settings]\nmodel = \"mf\"\n[grid]\nmodel = [\"mf\"]\n",
          "s.toml:3: model is under [settings] and [grid]; leave one");
  refused("data = 'd.lrd'\n[grid]\nmodel = [\n\"mf\",\n\"sasrek\"]\n", "s.toml:5: unknown model 'sasrek'");
  refused("data = 'd.lrd'\n[settings]\nmodel = \"mv\"\n", "s.toml:3: unknown model 'mv'");
}

/// 60 users walk through 40 items in order, up to and including the validation target. The test target is one
/// of five items that no training sees, so a model that has learnt the walk ranks them last.
void make_data_whose_end_is_different(const TemporaryFolder& folder) {
  std::string text;
  for (int user = 0; user < 60; ++user) {
    for (int i = 0; i < 9; ++i) text += fmt::format("{} {}\n", user + 1, (user * 7 + i) % 40 + 1);
    text += fmt::format("{} {}\n", user + 1, 41 + user % 5);
  }
  write_text(folder / "walks.txt", text);
  const auto made = run_lrurec(folder, "prepare walks.txt --format sasrec -o d.lrd");
  ASSERT_EQ(made.code, 0) << made.err;
}

TEST(SweepCommand, WhatHasTheBetterTestIsNotChosenForIt) {
  const TemporaryFolder folder;
  make_data_whose_end_is_different(folder);
  write_text(folder / "s.toml",
             "data = 'd.lrd'\nseeds = [1, 2]\nmetric = 'MRR@10'\n[settings]\nhidden = 8\nchannels = 12\n"
             "max_length = 6\nbatch_size = 16\nmax_steps = 120\nvalidate_every = 40\n"
             "[grid]\nlearning_rate = [0.0, 0.02]\n");
  const auto swept = run_lrurec(folder, "sweep s.toml -o out --json");
  ASSERT_EQ(swept.code, 0) << swept.err;
  const auto found = nlohmann::json::parse(swept.out);
  EXPECT_EQ(found["chosen_by"], "mean validation MRR@10");
  EXPECT_EQ(found["best"], "learning_rate=0.02");
  const auto untrained = run_lrurec(folder, "evaluate 'out/learning_rate=0/seed=1' --json");
  ASSERT_EQ(untrained.code, 0) << untrained.err;
  const double other = nlohmann::json::parse(untrained.out)["metrics"]["LRURec"]["Recall@10"];
  EXPECT_GT(other, found["test"]["Recall@10"]["mean"].get<double>());
}

TEST(SweepCommand, MemoryForOneRunIsOneAtATime) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml",
             sweep_head + sweep_settings + "max_steps = 300\nvalidate_every = 100\npatience = 0\n");
  const auto plan = run_lrurec(folder, "sweep s.toml -o out --dry-run --json");
  ASSERT_EQ(plan.code, 0) << plan.err;
  const auto before = nlohmann::json::parse(plan.out);
  EXPECT_EQ(before["at_once"], 2);
  const double a_run = before["configurations"][0]["memory_bytes"];

  // A run has begun where its settings are written, and has ended where its output is whole.
  const auto apart = [&](const std::string& out) {
    using std::filesystem::last_write_time;
    return last_write_time(folder / (out + "/settings/seed=2.toml")) >=
           last_write_time(folder / (out + "/settings/seed=1.json"));
  };
  const std::string limit = fmt::format(" --no-test --memory '{:.0f} MB'", 1.5 * a_run / 1e6);
  const auto one = run_lrurec(folder, "sweep s.toml -o one" + limit);
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_TRUE(apart("one"));
  const auto two = run_lrurec(folder, "sweep s.toml -o two --no-test");
  ASSERT_EQ(two.code, 0) << two.err;
  EXPECT_FALSE(apart("two"));

  // What a run counted for is more than it took.
  for (const char* seed : {"1", "2"}) {
    const auto run =
        nlohmann::json::parse(read_text(folder / (std::string("one/settings/seed=") + seed + ".json")));
    EXPECT_GT(a_run, run["peak_memory_bytes"].get<double>());
    EXPECT_LT(a_run, 10 * run["peak_memory_bytes"].get<double>());
  }

  // Another seed from the command line; the first is there already.
  const auto more = run_lrurec(folder, "sweep s.toml -o one --no-test --json --seeds 1,3");
  ASSERT_EQ(more.code, 0) << more.err;
  EXPECT_NE(more.err.find("1 of 2 runs is there already"), std::string::npos) << more.err;
  EXPECT_EQ(nlohmann::json::parse(more.out)["seeds"], (std::vector<int>{1, 3}));
  EXPECT_EQ(run_lrurec(folder, "sweep s.toml -o one --seeds 1,1").code, 2);
}

TEST(SweepCommand, SaysThatLengthsAreRankedAmongOtherItems) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  const std::string quick = "data = 'd.lrd'\n[settings]\nhidden = 8\nchannels = 12\nmax_steps = 1\n[grid]\n";
  write_text(folder / "lengths.toml", quick + "max_length = [3, 6]\n");
  const auto lengths = run_lrurec(folder, "sweep lengths.toml -o lengths --no-test");
  ASSERT_EQ(lengths.code, 0) << lengths.err;
  EXPECT_NE(lengths.err.find("--split val --mask all"), std::string::npos) << lengths.err;
  write_text(folder / "sampled.toml", quick + "max_length = [3, 6]\neval_negatives = [5]\n");
  const auto sampled = run_lrurec(folder, "sweep sampled.toml -o sampled --no-test");
  ASSERT_EQ(sampled.code, 0) << sampled.err;
  EXPECT_NE(sampled.err.find("--split val --mask all"), std::string::npos) << sampled.err;
  write_text(folder / "same.toml", quick + "dropout = [0.1, 0.2]\nmax_length = [6]\n");
  const auto same = run_lrurec(folder, "sweep same.toml -o same --no-test");
  ASSERT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(same.err.find("--mask all"), std::string::npos) << same.err;
}

/// Starts a sweep of two seeds, and once both are at work runs `then`, in which $sweep is its process.
test::CommandResult amid_a_sweep(const TemporaryFolder& folder, const std::string& then) {
  make_sweep_data(folder);
  write_text(folder / "s.toml",
             sweep_head + sweep_settings + "max_steps = 1500\nvalidate_every = 500\npatience = 0\n");
  return test::run_shell(
      folder,
      test::command_path() +
          " sweep s.toml -o out --seeds 1,2 --memory '4 GB' --no-test --json & sweep=$!; " +
          test::wait_until("[ -e out/settings/seed=1/run.json ] && [ -e out/settings/seed=2/run.json ]",
                           "$sweep") +
          then);
}

/// The sweep goes on to the bits of a run that nothing stopped.
void expect_completed_by_another(const TemporaryFolder& folder) {
  test::CommandResult whole;
  for (int attempt = 0; attempt < 200; ++attempt) {
    whole = run_lrurec(folder, "sweep s.toml -o out --no-test");
    if (whole.code != 2) break;  // in use by what still saves
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_EQ(whole.err.find("2 of 2 runs are there already"), std::string::npos) << "nothing was stopped";
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o alone --config out/settings/seed=2.toml -q").code, 0);
  EXPECT_EQ(read_bytes(folder / "alone/checkpoints/best.ckpt"),
            read_bytes(folder / "out/settings/seed=2/checkpoints/best.ckpt"));
}

TEST(SweepCommand, GoesOnAfterAnInterruptionAsIfThereHadBeenNone) {
  for (const auto& [signal, code] : {std::pair{"INT", 130}, std::pair{"TERM", 143}}) {
    const TemporaryFolder folder;
    const auto stopped = amid_a_sweep(folder, std::string("kill -") + signal + " $sweep; wait $sweep");
    ASSERT_EQ(stopped.code, code) << stopped.err;
    EXPECT_NE(stopped.err.find(
                  "Continue with: lrurec sweep s.toml -o out --seeds 1,2 --memory '4 GB' --no-test --json\n"),
              std::string::npos)
        << stopped.err;
    const auto so_far = nlohmann::json::parse(stopped.out);  // there was none
    EXPECT_FALSE(so_far["configurations"][0]["runs"][1]["finished"].get<bool>()) << so_far;
    expect_completed_by_another(folder);
    const auto about = nlohmann::json::parse(read_text(folder / "out/settings/seed=2/run.json"));
    EXPECT_EQ(about["resumed"].size(), 1U) << "it was begun anew";
  }
}

TEST(SweepCommand, GoesOnAfterAKillOnceItsRunsHaveSaved) {
  const TemporaryFolder folder;
  const auto beside = amid_a_sweep(folder, test::command_path() +
                                               " sweep s.toml -o out --no-test; beside=$?;"
                                               "kill -KILL $sweep; exit $beside");
  ASSERT_EQ(beside.code, 2) << beside.err;
  EXPECT_NE(beside.err.find("out is in use by another sweep"), std::string::npos) << beside.err;
  expect_completed_by_another(folder);
}

// A kill between a run's description and its first checkpoint leaves such a run. Regression: it ended this
// sweep and every later one.
TEST(SweepCommand, ARunWithoutACheckpointIsMadeAgain) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 4\nvalidate_every = 2\n");
  ASSERT_EQ(run_lrurec(folder, "sweep s.toml -o out --no-test").code, 0);
  const auto before = read_bytes(folder / "out/settings/seed=1/checkpoints/best.ckpt");
  const std::filesystem::path run = folder / "out/settings/seed=1";
  for (const char* later : {"checkpoints", "metrics.csv", "eigenvalues.jsonl"}) {
    std::filesystem::remove_all(run / later);
  }
  std::filesystem::create_directory(run / "checkpoints");
  write_text(run / "metrics.jsonl", "");
  const auto again = run_lrurec(folder, "sweep s.toml -o out --no-test");
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(read_bytes(folder / "out/settings/seed=1/checkpoints/best.ckpt"), before);
}

// Regression: the run was removed, with all that had been trained.
TEST(SweepCommand, ATrainedRunThatLostItsDescriptionIsKept) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 4\nvalidate_every = 2\n");
  ASSERT_EQ(run_lrurec(folder, "sweep s.toml -o out --no-test").code, 0);
  const auto before = read_bytes(folder / "out/settings/seed=1/checkpoints/best.ckpt");
  std::filesystem::remove(folder / "out/settings/seed=1/run.json");
  const auto again = run_lrurec(folder, "sweep s.toml -o out --no-test");
  EXPECT_EQ(again.code, 4) << again.err;
  EXPECT_NE(again.err.find("seed=1 holds checkpoints but has lost its run.json"), std::string::npos)
      << again.err;
  EXPECT_EQ(read_bytes(folder / "out/settings/seed=1/checkpoints/best.ckpt"), before);
}

// Regression: the user's own files there were removed.
TEST(SweepCommand, AFolderOfTheUserInThePlaceOfARunIsKept) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 2\nvalidate_every = 2\n");
  std::filesystem::create_directories(folder / "out/settings/seed=1");
  write_text(folder / "out/settings/seed=1/config.toml", "mine");
  const auto swept = run_lrurec(folder, "sweep s.toml -o out --no-test");
  EXPECT_EQ(swept.code, 2) << swept.err;
  EXPECT_EQ(read_text(folder / "out/settings/seed=1/config.toml"), "mine");
  EXPECT_TRUE(sweep_results(folder)["configurations"][0]["runs"][1]["finished"].get<bool>());
}

// Regression: it ended the sweep, and the runs at work with it.
TEST(SweepCommand, ASummaryThatCannotBeWrittenForAMomentEndsNothing) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 2\nvalidate_every = 2\n");
  std::filesystem::create_directories(folder / "out/sweep.json");
  const auto swept =
      test::run_shell(folder, test::command_path() + " sweep s.toml -o out --no-test --jobs 1 2> log & " +
                                  test::wait_until("grep -q 'the next try is when a run ends' log") +
                                  "rmdir out/sweep.json; wait $!");
  EXPECT_EQ(swept.code, 0) << read_text(folder / "log");
  EXPECT_TRUE(sweep_results(folder)["configurations"][0]["runs"][1]["finished"].get<bool>());
}

// Supervisors may start programs like this. Regression: every run was then called failed.
TEST(SweepCommand, WorksWhereTheEndOfChildrenIsIgnored) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 2\nvalidate_every = 2\n");
  const auto swept = test::run_shell(
      folder, "bash -c \"trap '' CHLD; exec " + test::command_path() + " sweep s.toml -o out --no-test\"");
  EXPECT_EQ(swept.code, 0) << swept.err;
}

TEST(SweepCommand, AFailedRunStopsNoOther) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  // The first point's weights become infinite or NaN within four steps. The second's grow a hundredfold a
  // step and do so later.
  write_text(folder / "s.toml",
             sweep_head + sweep_settings +
                 "max_steps = 60\nvalidate_every = 30\n[grid]\nweight_decay = [1e15, 1e4, 0.01]\n");
  const auto swept = run_lrurec(folder, "sweep s.toml -o out --no-test");
  EXPECT_EQ(swept.code, 6) << swept.err << swept.out;
  EXPECT_NE(swept.err.find("failed with exit code 6"), std::string::npos) << swept.err;
  EXPECT_NE(swept.err.find("4 of 6 runs failed"), std::string::npos) << swept.err;
  const auto found = sweep_results(folder);
  for (const int lost : {0, 1}) {
    const auto& run = found["configurations"][lost]["runs"][1];
    EXPECT_FALSE(run["finished"].get<bool>());
    EXPECT_EQ(run["exit_code"], 6);
    EXPECT_NE(run["error"].get<std::string>().find("step"), std::string::npos) << run["error"];
  }
  EXPECT_TRUE(found["configurations"][2]["runs"][1]["finished"].get<bool>());
  EXPECT_EQ(found["best"], found["configurations"][2]["name"]);
}

// Regression: the whole sweep was refused.
TEST(SweepCommand, ADamagedRunStopsNoOther) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 4\n[grid]\ndropout = [0.1]\n");
  ASSERT_EQ(run_lrurec(folder, "sweep s.toml -o out -q --no-test").code, 0);
  for (const char* name : {"last", "previous"}) {
    write_text(folder / "out/dropout=0.1/seed=1/checkpoints" / (std::string(name) + ".ckpt"), "damaged");
  }
  write_text(folder / "s.toml",
             sweep_head + sweep_settings + "max_steps = 4\n[grid]\ndropout = [0.1, 0.2]\n");
  const auto swept = run_lrurec(folder, "sweep s.toml -o out --no-test");
  EXPECT_EQ(swept.code, 4) << swept.err << swept.out;
  EXPECT_NE(swept.err.find("1 of 4 runs failed"), std::string::npos) << swept.err;
  const auto found = sweep_results(folder);
  EXPECT_EQ(found["configurations"][0]["runs"][0]["exit_code"], 4);
  EXPECT_EQ(found["best"], found["configurations"][1]["name"]);
}

// Regression: a sweep's runs came into a run's folder and a run into a sweep's, and other commands said only
// that it holds no run.
TEST(SweepCommand, RunsAndSweepsHaveFoldersOfTheirOwn) {
  const TemporaryFolder folder;
  test::make_run(folder);
  write_text(folder / "s.toml",
             sweep_head + sweep_settings + "max_steps = 2\nvalidate_every = 2\n[grid]\ndropout = [0.1]\n");
  const auto refused = [&](const std::string& arguments, int code, const std::string& why) {
    const auto result = run_lrurec(folder, arguments);
    EXPECT_EQ(result.code, code) << arguments;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
  };
  refused("sweep s.toml -o run", 2,
          "run is the folder of a run; choose another folder for the sweep with -o");
  const auto swept = run_lrurec(folder, "sweep s.toml -o out");
  ASSERT_EQ(swept.code, 0) << swept.err;
  EXPECT_NE(swept.out.find("next: lrurec report out/dropout=0.1/seed=1 out/dropout=0.1/seed=2\n"),
            std::string::npos)
      << swept.out;
  const std::string named =
      "out is the folder of a sweep; name one of its runs, such as out/dropout=0.1/seed=1";
  for (const char* command : {"evaluate out", "report out", "compare run out", "config show --run out"}) {
    refused(command, 5, named);
  }
  refused("train d.lrd -o out --max-steps 1", 2,
          "out is the folder of a sweep; choose another folder with -o");
  std::filesystem::remove(folder / "run/run.json");
  refused("evaluate run", 5, "run holds checkpoints but has lost its run.json");
  refused("train d.lrd -o d.lrd", 5, "d.lrd is a file; choose another folder with -o");
}

}  // namespace
}  // namespace lrurec
