// lrurec train --resume and --dry-run: what they refuse, say and keep.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lrurec/train/checkpoint.h"
#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::make_run;
using test::read_text;
using test::run_lrurec;
using test::TemporaryFolder;
using test::write_text;

void set_environment(const TemporaryFolder& folder, const std::string& run, const char* what) {
  const auto file = folder / (run + "/run.json");
  auto about = nlohmann::json::parse(read_text(file));
  about["environment"][what] = "another";
  write_text(file, about.dump());
}

// Regression: --resume was ignored.
TEST(TrainCommand, ADryRunResumesNothing) {
  const TemporaryFolder folder;
  const auto refused = run_lrurec(folder, "train d.lrd -o run --dry-run --resume");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("--resume excludes --dry-run"), std::string::npos) << refused.err;
}

// Regression: the dry run named the size of a batch that no epoch fills.
TEST(TrainCommand, ADryRunCountsNoMoreExamplesThanThereAre) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string sizes = "train d.lrd --dry-run --hidden 8 --channels 12 --max-length 200";
  const auto all = run_lrurec(folder, sizes + " --batch-size 1000");
  EXPECT_NE(all.out.find(" tokens of 60 examples"), std::string::npos) << all.out << all.err;
  const auto some = run_lrurec(folder, sizes + " --batch-size 16");
  EXPECT_NE(some.out.find(" tokens of 16 examples"), std::string::npos) << some.out << some.err;
}

// Regression: the dry run succeeded, and the training was then refused.
TEST(TrainCommand, ADryRunRefusesWhatATrainingDoes) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "two.txt", "1 1\n1 2\n2 1\n2 3\n3 1\n3 2\n");
  ASSERT_EQ(run_lrurec(folder, "prepare two.txt --format sasrec -o two.lrd").code, 0);
  for (const std::string how : {" --dry-run", " -o new"}) {
    const auto many =
        run_lrurec(folder, "train d.lrd" + test::tiny_training + " --eval-negatives 1000" + how);
    EXPECT_EQ(many.code, 2) << how << many.err;
    EXPECT_NE(many.err.find("eval_negatives = 1000 of 40 items"), std::string::npos) << many.err;
    const auto none = run_lrurec(folder, "train two.lrd" + test::tiny_training + how);
    EXPECT_EQ(none.code, 3) << how << none.err;
    EXPECT_NE(none.err.find("two.lrd: no user has a validation target"), std::string::npos) << none.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  }
}

// Regression: the time was called the most it could take, although validation was not in it.
TEST(TrainCommand, ADryRunSaysThatValidationIsNotCounted) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto plan = run_lrurec(folder, "train d.lrd --dry-run" + test::tiny_training);
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("validation not counted, less if it stops early"), std::string::npos) << plan.out;
}

// Regression: run.json told only of the first start.
TEST(TrainCommand, AResumedRunSaysByWhatItWasResumed) {
  const TemporaryFolder folder;
  make_run(folder, "run", " --threads 1");
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 12 --threads 2").code, 0);
  const auto about = nlohmann::json::parse(read_text(folder / "run/run.json"));
  EXPECT_EQ(about["environment"]["threads"], 1);
  EXPECT_EQ(about["environment"]["device"], "cpu");
  ASSERT_EQ(about["resumed"].size(), 1U);
  EXPECT_EQ(about["resumed"][0]["step"], 10);
  EXPECT_EQ(about["resumed"][0]["environment"]["threads"], 2);
  EXPECT_NE(about["resumed"][0]["command"].dump().find("--resume"), std::string::npos);
}

// Regression: run.json named the old place, where "next: lrurec evaluate run" found nothing.
TEST(TrainCommand, AResumedRunFollowsItsData) {
  const TemporaryFolder folder;
  make_run(folder);
  std::filesystem::rename(folder / "d.lrd", folder / "moved.lrd");
  EXPECT_EQ(run_lrurec(folder, "evaluate run").code, 5);
  ASSERT_EQ(run_lrurec(folder, "train moved.lrd -o run -q --resume --max-steps 12").code, 0);
  const auto evaluated = run_lrurec(folder, "evaluate run");
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
}

// Regression: neither was told.
TEST(TrainCommand, AnotherBlasAndOneThreadAreToldWhereOpenBlasMultiplies) {
  const TemporaryFolder folder;
  make_run(folder, "own", " --threads 2");
  set_environment(folder, "own", "blas");
  const auto own = run_lrurec(folder, "train d.lrd -o own -q --resume --max-steps 11 --deterministic");
  EXPECT_EQ(own.code, 0);
  EXPECT_EQ(own.err, "") << "it has no product of OpenBLAS";

  make_run(folder, "gated", " --threads 2 --gates true");
  const auto one = run_lrurec(folder, "train d.lrd -o gated -q --resume --max-steps 11 --deterministic");
  EXPECT_NE(one.err.find("began with 2 threads and goes on with 1"), std::string::npos) << one.err;
  EXPECT_NE(one.err.find("(--deterministic false --threads 2 avoids that)"), std::string::npos) << one.err;
  set_environment(folder, "gated", "blas");
  const auto blas =
      run_lrurec(folder, "train d.lrd -o gated -q --resume --max-steps 12 --deterministic false --threads 2");
  EXPECT_NE(blas.err.find("began with another BLAS"), std::string::npos) << blas.err;

  make_run(folder, "one", " --threads 2 --gates true --deterministic");
  const auto as_before = run_lrurec(folder, "train d.lrd -o one -q --resume --max-steps 11 --threads 2");
  EXPECT_EQ(as_before.err, "") << "the setting goes on";
  const auto two =
      run_lrurec(folder, "train d.lrd -o one -q --resume --max-steps 12 --threads 2 --deterministic false");
  EXPECT_NE(two.err.find("began with 1 thread and goes on with 2"), std::string::npos) << two.err;
  EXPECT_NE(two.err.find("(--deterministic avoids that)"), std::string::npos) << two.err;
}

// Regression: the summary named one step as the best, and `evaluate` took the weights of another.
TEST(TrainCommand, ABestCheckpointOfAnotherStepIsToldAndReplaced) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto file = folder / "run/checkpoints/best.ckpt";
  train::Checkpoint best = train::Checkpoint::load(file);
  best.progress.step = best.progress.best_step = 7;  // as after a kill at the end of a run of 7 steps
  best.save(file);
  const auto resumed = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 11");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("best.ckpt is of step 7, which this run does not know"), std::string::npos)
      << resumed.err;
  EXPECT_EQ(train::Checkpoint::load(file).progress.step, 11);
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 12").err, "");
}

// Regression: a report silently left them out, and a sweep called the run damaged at its end.
TEST(TrainCommand, RoundsThatTheLogHasLostAreTold) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto log = folder / "run/metrics.jsonl";
  const std::string whole = read_text(log);
  write_text(log, whole.substr(0, whole.find('\n') + 1));
  const auto resumed = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 11");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("run/metrics.jsonl has lost 2 of the validation rounds up to step 10"),
            std::string::npos)
      << resumed.err;
  EXPECT_EQ(resumed.err.find("eigenvalues.jsonl has lost"), std::string::npos) << resumed.err;

  make_run(folder, "other");
  std::filesystem::remove(folder / "other/eigenvalues.jsonl");
  const auto other = run_lrurec(folder, "train d.lrd -o other -q --resume --max-steps 11");
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_NE(other.err.find("other/eigenvalues.jsonl has lost 3 of the validation rounds up to step 10"),
            std::string::npos)
      << other.err;
}

// Regression: they were those of the weights themselves, which evaluate does not use.
TEST(TrainCommand, EigenvaluesAreThoseOfTheAverage) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto told =
      run_lrurec(folder, "train d.lrd -o mean --json" + test::tiny_training + " --average 0.99");
  ASSERT_EQ(told.code, 0) << told.err;
  const std::string log = read_text(folder / "mean/metrics.jsonl");
  const auto last = nlohmann::json::parse(log.substr(log.rfind('\n', log.size() - 2) + 1));
  EXPECT_EQ(last["split"], "val");
  EXPECT_EQ(nlohmann::json::parse(told.out)["mean_abs_lambda"], last["mean_abs_lambda"]);
}

TEST(TrainCommand, ARecallThatTellsNothingIsTold) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string command = "train d.lrd -q --hidden 8 --channels 12 --max-length 6 --max-steps 1 -o ";
  const auto few = run_lrurec(folder, command + "few --eval-negatives 9");
  EXPECT_EQ(few.code, 0) << few.err;
  EXPECT_NE(few.err.find("among 10 candidates Recall@10 is always 1, so the training ends after 10 rounds"),
            std::string::npos)
      << few.err;
  EXPECT_EQ(run_lrurec(folder, command + "more --eval-negatives 10").err, "");
  EXPECT_EQ(run_lrurec(folder, command + "endless --eval-negatives 9 --patience 0").err, "");
}

TEST(TrainCommand, AFinishedRunSaysThatNothingIsLeft) {
  const TemporaryFolder folder;
  make_run(folder);
  // Regression: it printed a training of no time, with 0.000 seconds a step.
  const auto again = run_lrurec(folder, "train d.lrd -o run --resume");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("nothing is left to train: all 10 steps done; --max-steps 20 allows more"),
            std::string::npos)
      << again.err;
  EXPECT_EQ(again.out.find("seconds per step"), std::string::npos) << again.out;
  EXPECT_EQ(again.out.find("time "), std::string::npos) << again.out;
  const auto more = run_lrurec(folder, "train d.lrd -o run --resume --max-steps 12");
  EXPECT_NE(more.out.find("seconds per step"), std::string::npos) << more.out;
  EXPECT_EQ(more.err.find("nothing is left"), std::string::npos) << more.err;
  const auto nameless = run_lrurec(folder, "train d.lrd --resume");
  EXPECT_EQ(nameless.code, 2);
  EXPECT_NE(nameless.err.find("name the run to resume with -o"), std::string::npos) << nameless.err;
}

TEST(TrainCommand, NoLimitOfEpochsIsNone) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string sizes = "train d.lrd --hidden 8 --channels 12 --max-length 6 --max-epochs 0 ";
  const auto plan = run_lrurec(folder, sizes + "--dry-run --json");
  ASSERT_EQ(plan.code, 0) << plan.err;
  const auto json = nlohmann::json::parse(plan.out);
  EXPECT_EQ(json["max_steps"], 0);
  EXPECT_FALSE(json.contains("seconds_without_validation"));
  EXPECT_NE(run_lrurec(folder, sizes + "--dry-run").out.find("no limit"), std::string::npos);
  const auto trained = run_lrurec(folder, sizes + "-o one --max-steps 1");
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("LRURec, preset ml-1m: 60 users, 40 items; "), std::string::npos) << trained.err;
  EXPECT_NE(trained.err.find("; at most 1 step\n"), std::string::npos) << trained.err;
  EXPECT_NE(trained.out.find("its one step done"), std::string::npos) << trained.out;
}

TEST(TrainCommand, AsManyNegativesAsItemsAreTold) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string sizes = "train d.lrd -q --hidden 8 --channels 12 --max-length 6 --max-steps 1 ";
  for (const std::string how : {"-o many", "--dry-run"}) {
    const auto many = run_lrurec(folder, sizes + "--negatives 40 " + how);
    EXPECT_EQ(many.code, 0) << many.err;
    EXPECT_NE(many.err.find("negatives = 40 of 40 items: --negatives 0, all items, is exact and cheaper"),
              std::string::npos)
        << how << many.err;
  }
  EXPECT_EQ(run_lrurec(folder, sizes + "--negatives 39 --dry-run").err, "");
}

TEST(TrainCommand, ChannelsThatDoNotFollowHiddenAreTold) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string train = "train d.lrd --dry-run --max-length 6 ";
  const auto told = [&](const std::string& arguments) {
    const auto result = run_lrurec(folder, train + arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.err.find("note: channels stays 128; the paper's is twice hidden") != std::string::npos;
  };
  EXPECT_TRUE(told("--hidden 8"));
  EXPECT_FALSE(told("--hidden 8 --channels 128"));
  EXPECT_FALSE(told("--hidden 64"));
  EXPECT_FALSE(told("--hidden 8 --model gru4rec"));
  EXPECT_FALSE(told("--hidden 8 --backbone rwkv"));
  write_text(folder / "hidden.toml", "hidden = 8\n");
  EXPECT_TRUE(told("--config hidden.toml"));
  write_text(folder / "both.toml", "hidden = 8\nchannels = 128\n");
  EXPECT_FALSE(told("--config both.toml"));
}

TEST(TrainCommand, ARunWhoseLastRoundIsItsBestMayGoOn) {
  const TemporaryFolder folder;
  std::string walks;  // of 60 users through 40 items in order, which is easily learnt
  for (int user = 0; user < 60; ++user) {
    for (int i = 0; i < 9; ++i) walks += fmt::format("{} {}\n", user + 1, (user * 7 + i) % 40 + 1);
  }
  write_text(folder / "walks.txt", walks);
  ASSERT_EQ(run_lrurec(folder, "prepare walks.txt --format sasrec -o d.lrd").code, 0);
  const std::string tiny =
      "train d.lrd --hidden 8 --channels 12 --max-length 6 --batch-size 16 --threads 1 --learning-rate ";
  const auto better = run_lrurec(folder, tiny + "0.01 --max-steps 60 --validate-every 60 -o better");
  EXPECT_NE(
      better.err.find("the last validation was the best, so a longer training may be better: lrurec train "
                      "d.lrd -o better --resume --max-steps 120"),
      std::string::npos)
      << better.err << better.out;
  const auto worse = run_lrurec(folder, tiny + "0 --max-steps 4 --validate-every 2 -o worse");
  EXPECT_EQ(worse.err.find("longer training"), std::string::npos) << worse.err;
  EXPECT_NE(worse.err.find("no validation round was better than the one before training"), std::string::npos)
      << worse.err;
  const auto falling =
      run_lrurec(folder, tiny + "0.01 --lr-schedule linear --max-steps 60 --validate-every 60 -o falling");
  EXPECT_EQ(falling.err.find("longer training"), std::string::npos) << "it cannot be prolonged";

  // The untrained model is below what costs nothing.
  const auto evaluated = run_lrurec(folder, "evaluate worse");
  EXPECT_NE(evaluated.err.find("note: LRURec is below "), std::string::npos)
      << evaluated.err << evaluated.out;
  EXPECT_EQ(run_lrurec(folder, "evaluate worse -q").err, "");
}

TEST(TrainCommand, EvaluateHasTheMaskOfTheTraining) {
  const TemporaryFolder folder;
  make_run(folder, "run", " --mask none");
  const auto mask_of = [&](const std::string& arguments) {
    const auto result = run_lrurec(folder, arguments + " --json");
    EXPECT_EQ(result.code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    return json["protocol"]["mask"].get<std::string>();
  };
  EXPECT_EQ(mask_of("evaluate run"), "none");
  EXPECT_EQ(mask_of("evaluate run --mask all"), "all");
  EXPECT_EQ(mask_of("compare run run"), "none");
  // The weights are those of the best round, which has the same numbers again.
  const auto validated = nlohmann::json::parse(run_lrurec(folder, "evaluate run --split val --json").out);
  const auto log = read_text(folder / "run/metrics.jsonl");
  EXPECT_NE(log.find("\"NDCG@10\":" + validated["metrics"]["LRURec"]["NDCG@10"].dump()), std::string::npos)
      << log;
  const auto changed = run_lrurec(folder, "train d.lrd -o run -q --resume --mask all --max-steps 11");
  EXPECT_EQ(changed.code, 4) << changed.err;
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o other --mask some").code, 2);
}

// Regression: the model was trained to predict only first items, from the start token alone.
TEST(TrainCommand, WindowsOfOneItemAreRefused) {
  const TemporaryFolder folder;
  make_run(folder);
  for (const std::string how : {"-o new", "--dry-run", "-o new --model gru4rec --hidden 8"}) {
    const auto refused = run_lrurec(folder, "train d.lrd --max-length 1 " + how);
    EXPECT_EQ(refused.code, 2) << how << refused.err;
    EXPECT_NE(refused.err.find("nothing to learn from but the start token"), std::string::npos)
        << refused.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  }
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o fpmc -q --model fpmc --max-length 1 --max-steps 1").code, 0)
      << "its examples are pairs of items";
}

// Regression: the message called the checkpoints intact, although the folder had been removed.
TEST(TrainCommand, AFirstStepThatIsNotFiniteLeavesNothingAndSaysSo) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto broken = run_lrurec(
      folder, "train d.lrd -o new --layer-norm-eps 0 --dropout 0.9 --hidden 8 --channels 12 --max-length 6");
  EXPECT_EQ(broken.code, 6) << broken.err;
  EXPECT_NE(broken.err.find("step 1: "), std::string::npos) << broken.err;
  EXPECT_NE(broken.err.find("no step came before it"), std::string::npos) << broken.err;
  EXPECT_EQ(broken.err.find("intact"), std::string::npos) << broken.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
}

// Regression: the message called checkpoints intact, and a dry run has none.
TEST(TrainCommand, ADryRunTellsOfNoCheckpoints) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto broken =
      run_lrurec(folder, "train d.lrd --dry-run --learning-rate 1e15 --hidden 8 --channels 12");
  EXPECT_EQ(broken.code, 6) << broken.err;
  EXPECT_EQ(broken.err.find("checkpoint"), std::string::npos) << broken.err;
  EXPECT_NE(broken.err.find("a smaller --learning-rate may help"), std::string::npos) << broken.err;
  // Regression: the message named the learning rate here too.
  const auto decayed =
      run_lrurec(folder, "train d.lrd --dry-run --weight-decay 1e15 --hidden 8 --channels 12");
  EXPECT_EQ(decayed.code, 6) << decayed.err;
  EXPECT_NE(decayed.err.find("a smaller --weight-decay may help"), std::string::npos) << decayed.err;
}

// Regression: the preset's settings were taken for ones that were asked for, and the preset of an imported
// run for an unknown one.
TEST(TrainCommand, NamingTheModelOfARunChangesNothing) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto resumed = run_lrurec(folder, "train d.lrd -o run -q --resume --model lrurec --max-steps 11");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  ASSERT_EQ(run_lrurec(folder, "export run -o w.st").code, 0);
  ASSERT_EQ(run_lrurec(folder, "import w.st --data d.lrd -o imported").code, 0);
  const auto imported = run_lrurec(folder, "train d.lrd -o imported --resume --model lrurec --max-steps 11");
  EXPECT_EQ(imported.code, 4);
  EXPECT_NE(imported.err.find("it holds no optimiser state"), std::string::npos) << imported.err;
}

TEST(TrainCommand, ACutConfigIsAFileThatIsDamaged) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string whole = read_text(folder / "run/config.toml");
  write_text(folder / "run/config.toml", whole.substr(0, 300));
  for (const char* command : {"evaluate run", "train d.lrd -o run --resume"}) {
    const auto refused = run_lrurec(folder, command);
    EXPECT_EQ(refused.code, 4) << command << refused.err;
    EXPECT_NE(refused.err.find("run/config.toml"), std::string::npos) << refused.err;
    EXPECT_EQ(refused.err.find("--checkpoint last"), std::string::npos)
        << "it would not help: " << refused.err;
  }
  std::filesystem::remove(folder / "run/config.toml");
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 11").code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "run/config.toml"));
}

}  // namespace
}  // namespace lrurec
