// Run folders and files with several processes at work, with full disks, and after starts that fail.

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::make_run;
using test::read_text;
using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;
using test::write_text;

/// A training in the background that holds its folder until it is told to end by `end`, with `begin` waiting
/// for it.
std::string training_behind(const std::string& more) {
  return test::command_path() +
         " train d.lrd -o run -q --hidden 8 --channels 12 --max-length 6 --validate-every 5 "
         "--max-steps 1000000 " +
         more + " & " + test::wait_until("[ -f run/checkpoints/best.ckpt ]");
}
const std::string end_it = "kill -TERM %1; wait %1";

TEST(RunFolderCommand, IsTrainedByOneProcessAndReadByAny) {
  const TemporaryFolder folder;
  make_run(folder, "other");
  const std::string lrurec = test::command_path();
  const auto resumed =
      run_shell(folder, training_behind("") + lrurec + " train d.lrd -o run --resume; code=$?; " + end_it +
                            "; exit $code");
  EXPECT_EQ(resumed.code, 2) << resumed.err;
  EXPECT_NE(resumed.err.find("run is being trained by another process"), std::string::npos) << resumed.err;
  std::filesystem::remove_all(folder / "run");
  const auto anew = run_shell(
      folder, training_behind("") + lrurec + " train d.lrd -o run; code=$?; " + end_it + "; exit $code");
  EXPECT_EQ(anew.code, 2) << anew.err;
  std::filesystem::remove_all(folder / "run");
  const auto read =
      run_shell(folder, training_behind("") + "sleep .3; " + lrurec + " evaluate run >/dev/null && " +
                            lrurec + " report run >/dev/null; code=$?; " + end_it + "; exit $code");
  EXPECT_EQ(read.code, 0) << read.err;
  const auto later = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 1");
  EXPECT_NE(later.err.find("further than the 1 asked for"), std::string::npos)
      << "the lock goes with its process: " << later.err;
}

TEST(RunFolderCommand, AStartThatFailedLeavesNothing) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string lrurec = test::command_path();
  // Memory, numbers and files, each before a step is done.
  const auto memory =
      run_shell(folder, "ulimit -v 2000000; OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 " + lrurec +
                            " train d.lrd -o deep/er/new --preset demo --hidden 65536");
  EXPECT_EQ(memory.code, 7) << memory.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "deep"));
  EXPECT_EQ(run_lrurec(folder,
                       "train d.lrd -o new --preset demo --hidden 8 --learning-rate 1e15 --adam-eps 1e-30 "
                       "--clip-norm 1e15 "
                       "--validate-every 1")
                .code,
            6);
  std::filesystem::remove_all(folder / "new");  // it had done steps
  std::filesystem::create_directory(folder / "kept");
  write_text(folder / "kept/notes.txt", "mine");
  EXPECT_EQ(run_shell(folder, "ulimit -v 2000000; OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 " + lrurec +
                                  " train d.lrd -o kept --preset demo --hidden 65536")
                .code,
            7);
  EXPECT_EQ(read_text(folder / "kept/notes.txt"), "mine");
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o kept" + test::tiny_training).code, 0);

  // Killed before the first checkpoint: neither a run to train() nor one to --resume.
  std::filesystem::create_directories(folder / "killed/checkpoints");
  std::filesystem::copy_file(folder / "run/run.json", folder / "killed/run.json");
  write_text(folder / "killed/config.toml", "");
  write_text(folder / "killed/metrics.jsonl", "");
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o killed --resume").code, 5);
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o killed" + test::tiny_training).code, 0);
}

// Regression: such files were overwritten, and removed if the start failed.
TEST(RunFolderCommand, FilesOfTheUserAreNotARuns) {
  const TemporaryFolder folder;
  make_run(folder);
  std::filesystem::create_directories(folder / "mine");
  write_text(folder / "mine/config.toml", "hidden = 8  # my own\n");
  const auto refused =
      run_lrurec(folder, "train d.lrd -o mine --config mine/config.toml" + test::tiny_training);
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("mine/config.toml is there and belongs to no run"), std::string::npos)
      << refused.err;
  EXPECT_EQ(read_text(folder / "mine/config.toml"), "hidden = 8  # my own\n");
  std::filesystem::remove(folder / "mine/config.toml");
  write_text(folder / "mine/evaluation-of-mine.json", "{}");
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o mine" + test::tiny_training).code, 2);
  EXPECT_TRUE(std::filesystem::exists(folder / "mine/evaluation-of-mine.json"));
  // Files beside an empty checkpoints/ are kept too, also if the start fails, and by another command.
  std::filesystem::create_directories(folder / "bare/checkpoints");
  write_text(folder / "bare/config.toml", "hidden = 8  # my own\n");
  ASSERT_EQ(run_lrurec(folder, "export run -o weights.st").code, 0);
  for (const std::string& command : {"train d.lrd -o bare" + test::tiny_training + " --eval-negatives 100000",
                                     std::string("import weights.st --data d.lrd -o bare")}) {
    EXPECT_EQ(run_lrurec(folder, command).code, 2) << command;
    EXPECT_EQ(read_text(folder / "bare/config.toml"), "hidden = 8  # my own\n") << command;
    EXPECT_TRUE(std::filesystem::exists(folder / "bare/checkpoints")) << command;
  }
}

// Otherwise they would be shown as evaluations of the run that is trained into the folder afterwards.
TEST(RunFolderCommand, NoRunIsTrainedBesideEvaluationsOfAnEarlierOne) {
  const TemporaryFolder folder;
  make_run(folder);
  ASSERT_EQ(run_lrurec(folder, "evaluate run").code, 0);
  std::filesystem::remove_all(folder / "run/checkpoints");
  std::filesystem::create_directories(folder / "run/checkpoints");
  const auto refused = run_lrurec(folder, "train d.lrd -o run" + test::tiny_training);
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("run/evaluation-test.json is there and belongs to no run"), std::string::npos)
      << refused.err;
}

TEST(RunFolderCommand, WarnsWhereBitsMayDifferAndWhereACheckpointWasLost) {
  const TemporaryFolder folder;
  make_run(folder, "run", " --threads 1");
  const auto same = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 11 --threads 1");
  EXPECT_EQ(same.err, "");
  const auto other = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 12 --threads 2");
  EXPECT_EQ(other.code, 0);
  EXPECT_EQ(other.err, "") << "the LRU's own products have the same bits for any number of threads";
  make_run(folder, "gated", " --threads 1 --gates true");
  const auto gated = run_lrurec(folder, "train d.lrd -o gated -q --resume --max-steps 12 --threads 2");
  EXPECT_NE(gated.err.find("began with 1 thread and goes on with 2"), std::string::npos) << gated.err;
  auto about = nlohmann::json::parse(read_text(folder / "run/run.json"));
  about["environment"]["processor"] = "another";
  about["environment"]["vectors"] = "none";
  write_text(folder / "run/run.json", about.dump());
  const auto elsewhere = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 13 --threads 1");
  EXPECT_EQ(elsewhere.code, 0);
  EXPECT_NE(elsewhere.err.find("began with another processor and other vectors"), std::string::npos)
      << elsewhere.err;
  auto bytes = test::read_bytes(folder / "run/checkpoints/last.ckpt");
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  test::write_bytes(folder / "run/checkpoints/last.ckpt", bytes);
  const auto damaged = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 14 --threads 1");
  EXPECT_EQ(damaged.code, 0);
  EXPECT_NE(damaged.err.find("going on from run/checkpoints/previous.ckpt instead"), std::string::npos)
      << "also with --quiet: " << damaged.err;
}

// Regression: `report` did not say so, and `config show` ended with exit code 4.
TEST(RunFolderCommand, WhoReadsThePreviousCheckpointSaysSo) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string settings = run_lrurec(folder, "config show --run run").out;
  auto bytes = test::read_bytes(folder / "run/checkpoints/last.ckpt");
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  test::write_bytes(folder / "run/checkpoints/last.ckpt", bytes);
  for (const std::string command : {"report run", "report run --json", "config show --run run"}) {
    const auto read = run_lrurec(folder, command);
    EXPECT_EQ(read.code, 0) << command << read.err;
    EXPECT_NE(read.err.find("lrurec: warning: "), std::string::npos) << command << read.err;
    EXPECT_NE(read.err.find("going on from run/checkpoints/previous.ckpt instead"), std::string::npos)
        << command << read.err;
  }
  EXPECT_EQ(run_lrurec(folder, "config show --run run").out, settings);
  EXPECT_EQ(test::read_bytes(folder / "run/checkpoints/last.ckpt"), bytes) << "a reader moves nothing";
}

// Regression: the loss was not told, and the command that the summary named next failed.
TEST(RunFolderCommand, AResumedRunSaysWhereItsBestWeightsAreLost) {
  const TemporaryFolder folder;
  make_run(folder, "gone", " --learning-rate 1e-9");
  make_run(folder, "damaged", " --learning-rate 1e-9");
  std::filesystem::remove(folder / "gone/checkpoints/best.ckpt");
  write_text(folder / "damaged/checkpoints/best.ckpt", "no checkpoint");
  for (const std::string run : {"gone", "damaged"}) {
    const auto evaluated = run_lrurec(folder, "evaluate " + run);
    EXPECT_EQ(evaluated.code, run == "gone" ? 5 : 4) << evaluated.err;
    EXPECT_NE(evaluated.err.find("last.ckpt has the weights of the last step (--checkpoint last)"),
              std::string::npos)
        << evaluated.err;
    const auto resumed = run_lrurec(folder, "train d.lrd -o " + run + " -q --resume");
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_NE(resumed.err.find("best.ckpt"), std::string::npos) << resumed.err;
    EXPECT_NE(resumed.err.find("the weights of the best step so far, 0, are lost"), std::string::npos)
        << resumed.err;
    EXPECT_NE(resumed.out.find("(its weights are lost)"), std::string::npos) << resumed.out;
    EXPECT_NE(resumed.out.find("next: lrurec evaluate " + run + " --checkpoint last\n"), std::string::npos)
        << resumed.out;
    EXPECT_EQ(run_lrurec(folder, "evaluate " + run + " --checkpoint last").code, 0);
    EXPECT_EQ(run_lrurec(folder, "evaluate " + run + " --checkpoint previous").code, 0);
    // The next round takes their place, although it is no better.
    const auto longer = run_lrurec(folder, "train d.lrd -o " + run + " -q --resume --max-steps 11");
    EXPECT_NE(longer.err.find("the weights of the best step so far, 0, are lost"), std::string::npos)
        << longer.err;
    EXPECT_NE(longer.out.find("next: lrurec evaluate " + run + "\n"), std::string::npos) << longer.out;
    EXPECT_EQ(nlohmann::json::parse(run_lrurec(folder, "evaluate " + run + " --json").out)["step"], 11);
  }
  std::filesystem::remove(folder / "gone/checkpoints/best.ckpt");
  std::filesystem::remove(folder / "gone/checkpoints/last.ckpt");
  EXPECT_EQ(run_lrurec(folder, "evaluate gone").err.find("--checkpoint last"), std::string::npos);
}

TEST(RunFolderCommand, RefusesToGoOnWithOtherDataOrSettings) {
  const TemporaryFolder folder;
  make_run(folder);
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o other.lrd --demo-users 61 --demo-items 40 --demo-length 8").code,
      0);
  const auto data = run_lrurec(folder, "train other.lrd -o run --resume --max-steps 20");
  EXPECT_EQ(data.code, 4) << data.err;
  const auto setting = run_lrurec(folder, "train d.lrd -o run --resume --max-steps 20 --hidden 16");
  EXPECT_EQ(setting.code, 4) << setting.err;
  const auto evaluated = run_lrurec(folder, "evaluate run --data other.lrd");
  EXPECT_EQ(evaluated.code, 4);
  EXPECT_NE(evaluated.err.find("another data set than other.lrd"), std::string::npos) << evaluated.err;
  std::filesystem::rename(folder / "d.lrd", folder / "moved.lrd");
  const auto moved = run_lrurec(folder, "evaluate run");
  EXPECT_EQ(moved.code, 5);
  EXPECT_NE(moved.err.find("say with --data where it is"), std::string::npos) << moved.err;
  EXPECT_EQ(run_lrurec(folder, "evaluate run --data moved.lrd").code, 0);
}

TEST(RunFolderCommand, AnEvaluationThatCannotBeKeptIsStillPrinted) {
  const TemporaryFolder folder;
  make_run(folder);
  std::filesystem::create_directory(folder / "run/evaluation-test.json");
  const auto result = run_lrurec(folder, "evaluate run --json");
  EXPECT_EQ(result.code, 0);
  EXPECT_GT(nlohmann::json::parse(result.out)["users"], 0);
  EXPECT_NE(result.err.find("warning: the result could not be saved"), std::string::npos) << result.err;
  const auto per_user = run_lrurec(folder, "evaluate run --json --per-user nowhere/ranks.csv");
  EXPECT_EQ(per_user.code, 5);
  EXPECT_NE(per_user.err.find("make its folder first"), std::string::npos) << per_user.err;
  EXPECT_GT(nlohmann::json::parse(per_user.out)["users"], 0);
}

TEST(RunFolderCommand, APipeInThePlaceOfAFileIsNotWaitedFor) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string lrurec = "timeout 20 " + test::command_path();
  for (const char* file : {"run/run.json", "run/metrics.jsonl", "run/checkpoints/best.ckpt", "d.lrd"}) {
    const auto result = run_shell(
        folder, "mv " + std::string(file) + " kept && mkfifo " + file + "; " + lrurec + " report run && " +
                    lrurec + " evaluate run; code=$?; rm " + file + "; mv kept " + file + "; exit $code");
    EXPECT_EQ(result.code, 5) << file << result.err;
  }
}

TEST(RunFolderCommand, FilesOfAKilledProcessAreRemoved) {
  const TemporaryFolder folder;
  make_run(folder);
  for (const char* file :
       {".d.lrd.tmp.99999999", "run/.metrics.csv.tmp.99999999", "run/checkpoints/.next.ckpt.tmp.99999999"}) {
    write_text(folder / file, "half of it");
  }
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 12").code, 0);
  ASSERT_EQ(run_lrurec(folder, "prepare --demo -o d.lrd --force").code, 0);
  for (const char* file :
       {".d.lrd.tmp.99999999", "run/.metrics.csv.tmp.99999999", "run/checkpoints/.next.ckpt.tmp.99999999"}) {
    EXPECT_FALSE(std::filesystem::exists(folder / file)) << file;
  }
}

TEST(RunFolderCommand, SeenItemsAreNoCandidatesUnlessAskedFor) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto answer = [&](const std::string& more) {
    return nlohmann::json::parse(
        run_lrurec(folder, "recommend run --items i1,i2,i3 -k 40 --json" + more).out);
  };
  const auto without = answer(""), with = answer(" --include-seen");
  EXPECT_EQ(without["items"].size(), 37U);
  EXPECT_EQ(without["seen"], "excluded");
  EXPECT_EQ(with["items"].size(), 40U);
  EXPECT_EQ(with["seen"], "included");
  const auto session = [&](const std::string& more) {
    const auto result =
        run_shell(folder, "printf 'i1\\ni2\\ni3\\n' | " + test::command_path() + " session run -k 40" + more);
    return nlohmann::json::parse(result.out.substr(result.out.rfind('\n', result.out.size() - 2) + 1));
  };
  EXPECT_EQ(session("")["items"], without["items"]);
  EXPECT_EQ(session(" --include-seen")["items"], with["items"]);
}

TEST(RunFolderCommand, RemediesAreThoseThatWork) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto says = [&](const std::string& command, int code, const std::string& text) {
    const auto result = run_lrurec(folder, command);
    EXPECT_EQ(result.code, code) << command << result.err;
    EXPECT_NE(result.err.find(text), std::string::npos) << command << result.err;
  };
  write_text(folder / "x.inter", "user_id:token\titem_id:token\trating:float\nu\ti\t5\nu\tj\t3\n");
  says("prepare x.inter -o x.lrd --filter none --min-rating 6", 3,
       "no rating is 6 or more, the highest is 5");
  says("prepare x.inter -o x.lrd --min-rating nan", 2, "nan");
  says("prepare x.inter -o x.lrd --columns user=99999999999999999999,item=1", 3,
       "there is no column 99999999999999999999");
  says("prepare x.inter -o nowhere/x.lrd --filter none", 5, "make its folder first");
  says("train x.inter -o new", 4, "lrurec prepare makes one");
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o short" + test::tiny_training + " --max-length 3").code, 0);
  says("compare run short", 2, "--mask all gives them the same candidates");
  EXPECT_EQ(run_lrurec(folder, "compare run short --mask all").code, 0);
  auto bytes = test::read_bytes(folder / "d.lrd");
  bytes[16] = 77;
  test::write_bytes(folder / "future.lrd", bytes);
  says("data stats future.lrd", 4, "format version 77 (this lrurec reads up to");
}

// From far too little memory to enough: each time the answer, or exit code 7; never a crash, never half a
// file.
TEST(RunFolderCommand, LittleMemoryIsExitCode7AndLeavesFilesWhole) {
  const TemporaryFolder folder;
  make_run(folder);
  const std::string lrurec = "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 timeout 60 " + test::command_path();
  const auto checkpoint = test::read_bytes(folder / "run/checkpoints/best.ckpt");
  const std::string wide =
      " train d.lrd -o new -q --preset demo --max-steps 2 --hidden 256 --channels 2048 --batch-size 64";
  int ran = 0, out = 0;
  for (const int megabytes : {100, 200, 400, 430, 450, 500, 600, 1200}) {
    const std::string limited = "ulimit -v " + std::to_string(megabytes) + "000; ";
    for (const std::string& command :
         {wide, std::string(" evaluate run"), std::string(" train d.lrd -o run -q --resume --max-steps 12"),
          std::string(" prepare --demo -o big.lrd -q --force --demo-users 20000")}) {
      const auto result = run_shell(folder, limited + lrurec + command);
      if (result.code == 127 || result.err.find("error while loading shared libraries") != std::string::npos)
        continue;
      EXPECT_TRUE(result.code == 0 || result.code == 7)
          << megabytes << command << ": " << result.code << result.err;
      (result.code == 0 ? ran : out) += 1;
      if (result.code == 7) {
        EXPECT_NE(result.err.find("out of memory"), std::string::npos) << result.err;
        // Nothing, or where memory ran out after the first checkpoint, a run that can be continued.
        if (std::filesystem::exists(folder / "new")) {
          const auto left = run_lrurec(folder, "inspect summary new --checkpoint last");
          EXPECT_EQ(left.code, 0) << megabytes << left.err;
        }
      }
      std::filesystem::remove_all(folder / "new");
    }
  }
  EXPECT_GT(ran, 3);
  EXPECT_GT(out, 3) << "the limits must bite";
  EXPECT_EQ(test::read_bytes(folder / "run/checkpoints/best.ckpt"), checkpoint);
  EXPECT_EQ(run_lrurec(folder, "evaluate run").code, 0);
  for (const auto& name : folder.entries()) EXPECT_EQ(name.find(".tmp."), std::string::npos) << name;
}

TEST(RunFolderCommand, RunsWhoseDataMovedAreCompared) {
  const TemporaryFolder folder;
  make_run(folder);
  make_run(folder, "other", " --seed 2");
  std::filesystem::rename(folder / "d.lrd", folder / "moved.lrd");
  EXPECT_EQ(run_lrurec(folder, "compare run other").code, 5);
  EXPECT_EQ(run_lrurec(folder, "compare run other --data moved.lrd").code, 0);
}

TEST(RunFolderCommand, RanksByUserReplaceNothingElse) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto before = test::read_bytes(folder / "d.lrd");
  const auto refused = run_lrurec(folder, "evaluate run --per-user d.lrd");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("is no table of ranks"), std::string::npos) << refused.err;
  EXPECT_EQ(refused.out, "") << "before the work";
  EXPECT_EQ(test::read_bytes(folder / "d.lrd"), before);
  EXPECT_EQ(run_lrurec(folder, "evaluate run --per-user u.csv").code, 0);
  EXPECT_EQ(run_lrurec(folder, "evaluate run --per-user u.csv --eval-negatives 5").code, 0);
  EXPECT_TRUE(read_text(folder / "u.csv").starts_with("user,item,sampled_rank_LRURec,"));
  EXPECT_EQ(run_lrurec(folder, "evaluate run --per-user u.csv").code, 0);
  // A raw log may begin as the table does.
  const std::string log = "user,item,rating,timestamp\nu1,i1,5,1\n";
  write_text(folder / "log.csv", log);
  EXPECT_EQ(run_lrurec(folder, "evaluate run --per-user log.csv").code, 2);
  EXPECT_EQ(read_text(folder / "log.csv"), log);
}

// Two overlapping exports, with two rows at each time that stay in file order, so some targets are already in
// the history before them.
TEST(RunFolderCommand, TargetsThatNothingCanHitAreCounted) {
  const TemporaryFolder folder;
  std::string rows = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (int again = 0; again < 2; ++again) {
    for (int u = 0; u < 20; ++u) {
      for (int t = 0; t < 6; ++t) {
        rows += "u" + std::to_string(u) + "\ti" + std::to_string((u * 7 + t) % 15) + "\t" +
                std::to_string(t / 2) + "\n";
      }
      rows +=
          "u" + std::to_string(u) + "\ti" + std::to_string((u * 7) % 15) + "\t9\n";  // the first one again
    }
  }
  write_text(folder / "twice.inter", rows);
  const auto prepared = run_lrurec(folder, "prepare twice.inter -o d.lrd --filter none");
  ASSERT_EQ(prepared.code, 0) << prepared.err;
  EXPECT_NE(prepared.err.find("120 rows repeat another's user, item and time"), std::string::npos)
      << prepared.err;
  const auto as_json = run_lrurec(folder, "prepare twice.inter -o json.lrd --filter none --json");
  EXPECT_NE(as_json.err.find("120 rows repeat another's user, item and time"), std::string::npos)
      << as_json.err;
  make_run(folder);
  const auto evaluated = run_lrurec(folder, "evaluate run --mask all");
  EXPECT_NE(evaluated.out.find("20 of 20 targets can never be hit"), std::string::npos) << evaluated.out;
  EXPECT_EQ(
      nlohmann::json::parse(run_lrurec(folder, "evaluate run --mask none --json").out)["unreachable_targets"],
      0);
}

// The rename would take the file from under the stream that is open on it.
TEST(RunFolderCommand, AStreamIsNoFileToReplace) {
  const TemporaryFolder folder;
  make_run(folder);
  write_text(folder / "all.txt", "one\n");
  const auto refused = run_shell(
      folder, test::command_path() + " data write d.lrd -o /dev/stdout --force --format inter >> all.txt");
  EXPECT_EQ(refused.code, 5);
  EXPECT_EQ(read_text(folder / "all.txt"), "one\n");
  std::filesystem::create_directory(folder / "store");
  std::filesystem::create_symlink("store/x.st", folder / "x.st");
  EXPECT_EQ(run_lrurec(folder, "export run -o x.st").code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "x.st"));
  EXPECT_TRUE(std::filesystem::is_regular_file(folder / "store/x.st"))
      << "a link is followed, also one to nothing";
}

TEST(RunFolderCommand, RunsInAReportAreTold) {
  const TemporaryFolder folder;
  make_run(folder, "a/seed=1");
  make_run(folder, "b/seed=1", " --eval-negatives 5");
  const auto told = nlohmann::json::parse(run_lrurec(folder, "report a/seed=1 b/seed=1 --json").out);
  EXPECT_EQ(told[0]["name"], "a/seed=1");
  EXPECT_EQ(told[1]["name"], "b/seed=1");
  EXPECT_EQ(nlohmann::json::parse(run_lrurec(folder, "report a/seed=1 --json").out)[0]["name"], "seed=1");
}

}  // namespace
}  // namespace lrurec
