// lrurec train --resume and --dry-run: what they refuse, say and keep.

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
  EXPECT_NE(one.err.find("(--deterministic false --threads 2 does)"), std::string::npos) << one.err;
  set_environment(folder, "gated", "blas");
  const auto blas =
      run_lrurec(folder, "train d.lrd -o gated -q --resume --max-steps 12 --deterministic false --threads 2");
  EXPECT_NE(blas.err.find("began with another BLAS"), std::string::npos) << blas.err;

  make_run(folder, "one", " --threads 2 --gates true --deterministic");
  const auto as_before = run_lrurec(folder, "train d.lrd -o one -q --resume --max-steps 11 --threads 2");
  EXPECT_EQ(as_before.err, "") << "the setting goes on";
  const auto two =
      run_lrurec(folder, "train d.lrd -o one -q --resume --max-steps 12 --threads 2 --deterministic false");
  EXPECT_NE(two.err.find("began with 1 threads and goes on with 2"), std::string::npos) << two.err;
  EXPECT_NE(two.err.find("(--deterministic does)"), std::string::npos) << two.err;
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
  EXPECT_NE(resumed.err.find("best.ckpt is of step 7, not of one that this run has come to know"),
            std::string::npos)
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
  EXPECT_NE(resumed.err.find("run/metrics.jsonl has lost 2 of the validation rounds until step 10"),
            std::string::npos)
      << resumed.err;
  EXPECT_EQ(resumed.err.find("eigenvalues.jsonl has lost"), std::string::npos) << resumed.err;

  make_run(folder, "other");
  std::filesystem::remove(folder / "other/eigenvalues.jsonl");
  const auto other = run_lrurec(folder, "train d.lrd -o other -q --resume --max-steps 11");
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_NE(other.err.find("other/eigenvalues.jsonl has lost 3 of the validation rounds until step 10"),
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
  EXPECT_NE(few.err.find("among 10 candidates Recall@10 tells nothing, so the training ends after 10 rounds"),
            std::string::npos)
      << few.err;
  EXPECT_EQ(run_lrurec(folder, command + "more --eval-negatives 10").err, "");
  EXPECT_EQ(run_lrurec(folder, command + "endless --eval-negatives 9 --patience 0").err, "");
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
