// The command as a user meets it: output, exit codes, and nothing lost.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "lrurec/train/checkpoint.h"
#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;
using test::write_text;

const std::string tiny =
    " --hidden 8 --channels 12 --max-length 6 --batch-size 16 --validate-every 5 --max-steps 10 "
    "--learning-rate 0.01";

void make_demo(const TemporaryFolder& folder) {
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
}

void expect_failure(const test::CommandResult& result, int code, const std::string& message) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_NE(result.err.find("lrurec: error: "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "") << "nothing on stdout";
}

TEST(Command, TeachesAndHelps) {
  const TemporaryFolder folder;
  const auto alone = run_lrurec(folder, "");
  EXPECT_EQ(alone.code, 0);
  EXPECT_NE(alone.out.find("lrurec train"), std::string::npos);
  EXPECT_EQ(run_lrurec(folder, "--help").code, 0);
  const auto help = run_lrurec(folder, "train --help");
  EXPECT_EQ(help.code, 0);
  for (const char* flag : {"--preset", "--config", "--seed", "--threads", "--batch-size", "--dropout",
                           "--weight-decay", "--max-steps", "--validate-every", "--resume", "--json"}) {
    EXPECT_NE(help.out.find(flag), std::string::npos) << flag;
  }
  EXPECT_NE(run_lrurec(folder, "--version").out.find("lrurec "), std::string::npos);
  EXPECT_EQ(run_lrurec(folder, "help train").out, help.out);
  EXPECT_EQ(run_lrurec(folder, "help inspect eigen").out, run_lrurec(folder, "inspect eigen --help").out);
  EXPECT_EQ(run_lrurec(folder, "help").out, run_lrurec(folder, "--help").out);
  expect_failure(run_lrurec(folder, "help trian"), 2, "unknown command 'trian'; did you mean 'train'?");
}

// Regression: "INT:INT in [1 - 1000000]", "TEXT:{best,last,previous}", and "Excludes:" before a hidden flag.
TEST(Command, HelpShowsValuesAsTheManualDoes) {
  const TemporaryFolder folder;
  const auto help = run_lrurec(folder, "recommend --help").out;
  for (const char* shown :
       {"  run                         folder of the run", "  -k N ", "--data FILE ",
        "--checkpoint best|last|previous", "--until all|test|val ", "  --include-seen "}) {
    EXPECT_NE(help.find(shown), std::string::npos) << shown << "\n" << help;
  }
  for (const char* odd : {"INT", "TEXT:", "Excludes", "{best"}) {
    EXPECT_EQ(help.find(odd), std::string::npos) << odd << "\n" << help;
  }
  EXPECT_NE(run_lrurec(folder, "sweep --help").out.find("-o,--output FOLDER REQUIRED"), std::string::npos);
  EXPECT_NE(run_lrurec(folder, "train --help").out.find("--outer-gelu [true|false]"), std::string::npos);
}

TEST(Command, PrepareTrainEvaluate) {
  const TemporaryFolder folder;
  make_demo(folder);
  const auto trained = run_lrurec(folder, "train d.lrd -o run --json" + tiny);
  ASSERT_EQ(trained.code, 0) << trained.err;
  const auto summary = nlohmann::json::parse(trained.out);
  EXPECT_EQ(summary["steps"], 10);
  EXPECT_GT(summary["step_seconds_median"], 0);
  EXPECT_EQ(trained.err.find('\r'), std::string::npos) << "no carriage returns off a terminal";
  EXPECT_NE(trained.err.find("Recall@10"), std::string::npos);

  const auto evaluated = run_lrurec(folder, "evaluate run --json");
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  const auto json = nlohmann::json::parse(evaluated.out);
  EXPECT_EQ(json["users"], 60);
  for (const char* name : {"LRURec", "popularity", "last-item Markov"}) {
    EXPECT_TRUE(json["metrics"][name].contains("NDCG@10")) << name;
  }
  EXPECT_GT(json["best_possible"]["Recall@10"], 0.2);
  EXPECT_TRUE(std::filesystem::exists(folder / "run/evaluation-test.json"));

  const auto validation = run_lrurec(folder, "evaluate run --split val");
  EXPECT_EQ(validation.code, 0) << validation.err;
  EXPECT_NE(validation.out.find("best possible"), std::string::npos) << validation.out;
}

TEST(Command, EvaluateRepeatsTheValidationOfTraining) {
  const TemporaryFolder folder;
  make_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q" + tiny).code, 0);
  const auto json =
      nlohmann::json::parse(run_lrurec(folder, "evaluate run --split val --json --checkpoint last").out);
  nlohmann::json last;
  std::istringstream lines(test::read_text(folder / "run/metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    if (object["split"] == "val") last = object;
  }
  EXPECT_EQ(last["step"], 10);
  EXPECT_EQ(json["metrics"]["LRURec"]["Recall@10"], last["Recall@10"]);
  EXPECT_EQ(json["metrics"]["LRURec"]["NDCG@50"], last["NDCG@50"]);
  EXPECT_NEAR(json["loss"].get<double>(), last["loss"].get<double>(), 1e-6);
}

TEST(Command, OutputFlagsChangeNoBit) {
  const TemporaryFolder folder;
  make_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o plain" + tiny).code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o quiet --json -q" + tiny).code, 0);
  const auto weights = [&](const std::string& run, const std::string& name) {
    return test::read_bytes(folder / (run + "/checkpoints/" + name + ".ckpt"));
  };
  for (const char* name : {"best", "last"}) EXPECT_EQ(weights("plain", name), weights("quiet", name)) << name;
  // log_every is one of the settings inside a checkpoint, so only the weights are compared.
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o talkative --log-every 1" + tiny).code, 0);
  for (const char* run : {"plain", "talkative"}) {
    const std::string line = std::string("export ") + run + " -o " + run + ".safetensors --checkpoint last";
    ASSERT_EQ(run_lrurec(folder, line).code, 0);
  }
  EXPECT_EQ(test::read_bytes(folder / "plain.safetensors"),
            test::read_bytes(folder / "talkative.safetensors"));

  const auto before = weights("plain", "last");
  for (const char* line :
       {"evaluate plain --json --per-user r.csv", "recommend plain --user u1", "report plain"}) {
    ASSERT_EQ(run_lrurec(folder, line).code, 0) << line;
  }
  EXPECT_EQ(weights("plain", "last"), before);
}

TEST(Command, ResumeContinuesAndQuietIsQuiet) {
  const TemporaryFolder folder;
  make_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o whole -q" + tiny).code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q" + tiny + " --max-steps 5").code, 0);
  const auto resumed = run_lrurec(folder, "train d.lrd -o run -q --resume --max-steps 10");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(resumed.err, "");
  const auto evaluate = [&](const std::string& run) {
    return run_lrurec(folder, "evaluate " + run + " --json").out;
  };
  EXPECT_EQ(nlohmann::json::parse(evaluate("run"))["metrics"],
            nlohmann::json::parse(evaluate("whole"))["metrics"]);
  expect_failure(run_lrurec(folder, "train d.lrd -o run --resume --dropout 0.7"), 4, "cannot change dropout");
  EXPECT_EQ(run_lrurec(folder, "train d.lrd -o run --resume --threads 1 --max-steps 11 -q").code, 0);
}

// What a person copies from the help must be what the command takes.
TEST(Command, ExamplesOfTheHelpAreAccepted) {
  const TemporaryFolder folder;
  // The manual page has the examples of every command's help.
  std::string page = run_lrurec(folder, "man").out;
  page =
      std::regex_replace(std::regex_replace(page, std::regex(R"(\\-)"), "-"), std::regex(R"(\\\(aq)"), "'");
  std::set<std::string> commands, shown;
  std::istringstream lines(page);
  bool examples = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('.')) examples = false;
    if (line == "Examples:") examples = true;
    const auto at = line.find("lrurec ");
    if (at == std::string::npos) continue;
    const std::string after = line.substr(at + 7), command = after.substr(0, after.find_first_of(" \""));
    if (line.starts_with(".SS \"")) commands.insert(command);
    if (!examples) continue;
    shown.insert(command);
    // Files are missing here, which is exit code 5, and there may be no GPU, but every word is understood.
    const auto tried = run_shell(folder, line.substr(0, at) + test::command_path() + line.substr(at + 6));
    const bool no_gpu =
        tried.code == 2 && line.ends_with("--device cuda") && tried.err.find("--help)") == std::string::npos;
    EXPECT_TRUE(tried.code == 0 || tried.code == 5 || no_gpu) << line << ": " << tried.code << tried.err;
  }
  EXPECT_GT(commands.size(), 15U) << page;
  EXPECT_EQ(shown, commands);
}

TEST(Command, EveryCommandKnowsQuietAndVerbose) {
  const TemporaryFolder folder;
  make_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q" + tiny).code, 0);
  ASSERT_EQ(run_lrurec(folder, "data write d.lrd -o raw --format inter -q").err, "");
  for (const std::string line : {"prepare raw -o again.lrd --force", "data stats d.lrd",
                                 "data write d.lrd -o w --force --format inter", "train d.lrd --dry-run",
                                 "evaluate run", "compare run run", "report run", "recommend run --user u1",
                                 "export run -o w.safetensors --force", "inspect eigen run", "config show"}) {
    const auto quiet = run_lrurec(folder, line + " --quiet"), verbose = run_lrurec(folder, line + " -v");
    EXPECT_EQ(quiet.code, 0) << line << quiet.err;
    EXPECT_EQ(quiet.err, "") << line;
    EXPECT_NE(verbose.err.find("peak memory"), std::string::npos) << line;
    if (line.find("dry-run") == std::string::npos) {
      EXPECT_EQ(verbose.out, quiet.out) << line;
    }
    EXPECT_EQ((verbose.out + verbose.err).find('\033'), std::string::npos) << line;
  }
  expect_failure(run_lrurec(folder, "evaluate run -q -v"), 2, "--quiet excludes --verbose");
}

TEST(Command, ProgressIsOneLineOfATerminalHoweverNarrow) {
  const TemporaryFolder folder;
  make_demo(folder);
  if (run_shell(folder, "script -qec true typescript").code != 0)
    GTEST_SKIP() << "no terminal can be had here";
  const auto shown = run_shell(
      folder,
      "script -qec 'stty cols 30; " + test::command_path() + " train d.lrd -o run --max-steps 300 " +
          "--hidden 8 --channels 12 --max-length 6 --batch-size 16 --validate-every 1000' typescript");
  ASSERT_EQ(shown.code, 0) << shown.out;
  const std::string text = test::read_text(folder / "typescript");
  const auto begin = text.find("[>");
  ASSERT_NE(begin, std::string::npos) << text;
  EXPECT_EQ(text.find_first_of("\r\n\033", begin) - begin, 29U) << text;
}

/// A training that has logged a step and would go on for long, without a round that saves, is told to end by
/// `how`, in which $pid is its process; `more` comes behind its command line.
test::CommandResult stopped_by(const TemporaryFolder& folder, const std::string& how,
                               const std::string& more = "") {
  return run_shell(folder, test::command_path() +
                               " train d.lrd -o run --max-steps 1000000 --patience 0 --log-every 1 "
                               "--validate-every 1000000 --hidden 8 --channels 12 --max-length 6 "
                               "--batch-size 16 2>log " +
                               more + " & pid=$!; " +
                               test::wait_until("grep -q train run/metrics.jsonl 2>/dev/null", "$pid") + how +
                               "; wait $pid");
}

/// The step that the last checkpoint holds, which the training must have told.
void expect_saved_as_told(const TemporaryFolder& folder) {
  const auto step = train::Checkpoint::load(folder / "run/checkpoints/last.ckpt").progress.step;
  EXPECT_GT(step, 0);
  const std::string log = test::read_text(folder / "log");
  EXPECT_NE(log.find(fmt::format("interrupted; saved at step {}. Continue with: lrurec train d.lrd -o run "
                                 "--resume\n",
                                 step)),
            std::string::npos)
      << step << log;
}

TEST(Command, ASignalSavesAndExitsWithItsNumber) {
  const TemporaryFolder folder;
  make_demo(folder);
  EXPECT_EQ(stopped_by(folder, "kill -TERM $pid").code, 143);
  expect_saved_as_told(folder);
  EXPECT_EQ(run_lrurec(folder, "evaluate run --checkpoint last").code, 0);
}

// Shells send SIGHUP to their jobs in addition to the kernel's, and supervisors send SIGTERM to a process and
// to its group. Regression: the second signal ended the process before it had saved.
TEST(Command, TheSameSignalAgainDoesNotEndTheSaving) {
  for (const auto& [signal, code] : {std::pair{"HUP", 129}, std::pair{"TERM", 143}, std::pair{"INT", 130}}) {
    const TemporaryFolder folder;
    make_demo(folder);
    const std::string again = std::string("kill -") + signal + " $pid";
    const auto stopped = stopped_by(folder, "for n in 1 2 3 4 5 6 7 8 9 10; do " + again + "; done");
    EXPECT_EQ(stopped.code, code) << signal;
    expect_saved_as_told(folder);
  }
}

// Regression: the exit code was 5, since the results had no place to go once the terminal was gone.
TEST(Command, TheExitCodeIsTheSignalsAlsoWithoutAPlaceForTheResults) {
  const TemporaryFolder folder;
  make_demo(folder);
  EXPECT_EQ(stopped_by(folder, "kill -HUP $pid", ">/dev/full").code, 129);
  expect_saved_as_told(folder);
}

// Regression: the message named "lrurec eigen".
TEST(Command, AMistakeLeadsToTheHelpOfItsCommand) {
  const TemporaryFolder folder;
  expect_failure(run_lrurec(folder, "inspect eigen"), 2, "(see lrurec inspect eigen --help)");
  EXPECT_EQ(run_lrurec(folder, "inspect eigen --help").code, 0);
}

TEST(Command, BadInputIsOneLineAndItsExitCode) {
  const TemporaryFolder folder;
  make_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q" + tiny).code, 0);

  expect_failure(run_lrurec(folder, "prepare none.txt -o x.lrd --format sasrec"), 5, "no such file");
  write_text(folder / "bad.txt", "1 2\n3 x\n");
  expect_failure(run_lrurec(folder, "prepare bad.txt -o x.lrd --format sasrec"), 3, "bad.txt:2:3: ");
  write_text(folder / "empty.txt", "");
  expect_failure(run_lrurec(folder, "prepare empty.txt -o x.lrd --format sasrec"), 3, "no interaction");
  EXPECT_FALSE(std::filesystem::exists(folder / "x.lrd"));
  expect_failure(run_lrurec(folder, "prepare bad.txt -o d.lrd --format sasrec"), 2, "exists already");
  expect_failure(run_lrurec(folder, "prepare -o x.lrd"), 2, "name a raw file or give --demo");
  expect_failure(run_lrurec(folder, "prepare bad.txt -o x.lrd --format csv"), 2, "--format must be");

  expect_failure(run_lrurec(folder, "train none.lrd -o new"), 5, "none.lrd");
  EXPECT_FALSE(std::filesystem::exists(folder / "new")) << "no folder is left behind";
  expect_failure(run_lrurec(folder, "train bad.txt -o new"), 4, "is not a dataset file");
  expect_failure(run_lrurec(folder, "train d.lrd -o run"), 2, "already holds a run");
  expect_failure(run_lrurec(folder, "train d.lrd -o new --epcohs 3"), 2,
                 "unknown flag --epcohs; did you mean '--max-epochs'?");
  expect_failure(run_lrurec(folder, "train d.lrd -o new --preset ml1m"), 2, "did you mean 'ml-1m'?");
  expect_failure(run_lrurec(folder, "train d.lrd -o new --batch-size none"), 2, "--batch-size");
  expect_failure(run_lrurec(folder, "train d.lrd"), 2, "--output is required");
  write_text(folder / "c.toml", "seed = 1\nlearning_rat = 1\n");
  expect_failure(run_lrurec(folder, "train d.lrd -o new --config c.toml"), 2,
                 "c.toml:2: unknown key 'learning_rat'; did you mean 'learning_rate'?");
  expect_failure(run_lrurec(folder, "trian d.lrd"), 2, "unknown command 'trian'; did you mean 'train'?");

  expect_failure(run_lrurec(folder, "evaluate nowhere"), 5, "holds no run");
  expect_failure(run_lrurec(folder, "evaluate run --split train"), 2, "--split must be");
  auto bytes = test::read_bytes(folder / "run/checkpoints/best.ckpt");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  test::write_bytes(folder / "run/checkpoints/best.ckpt", bytes);
  expect_failure(run_lrurec(folder, "evaluate run"), 4, "best.ckpt is damaged");
  EXPECT_EQ(run_lrurec(folder, "evaluate run --checkpoint last").code, 0)
      << "the other checkpoints still work";
  std::filesystem::remove(folder / "d.lrd");
  expect_failure(run_lrurec(folder, "evaluate run --checkpoint last"), 5, "d.lrd");
}

TEST(Command, CheckParityAndGrad) {
  const TemporaryFolder folder;
  const std::string fixture = test::source_folder().string() + "/tests/fixtures/parity_tiny.safetensors";
  const auto parity = run_lrurec(folder, "check parity " + fixture);
  EXPECT_EQ(parity.code, 0) << parity.err;
  EXPECT_NE(parity.out.find("model.lru_blocks.1.lru_layer.params_log"), std::string::npos);
  auto bytes = test::read_bytes(fixture);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // the sign or exponent of the last weight
  test::write_bytes(folder / "changed", bytes);
  const auto changed = run_lrurec(folder, "check parity changed");
  EXPECT_EQ(changed.code, 8) << changed.out << changed.err;
  EXPECT_NE(changed.out.find("DIFFERS"), std::string::npos);
  expect_failure(run_lrurec(folder, "check parity none"), 5, "none");

  const auto grad = run_lrurec(folder, "check grad --only polar");
  EXPECT_EQ(grad.code, 0);
  EXPECT_NE(grad.out.find("polar: ok, 10 derivatives"), std::string::npos) << grad.out;
  expect_failure(run_lrurec(folder, "check grad --only nothing"), 2, "no case has 'nothing'");
}

TEST(Command, OneAndTwoThreadsTrainToTheSameBits) {
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo --demo-users 200 --demo-items 90 --demo-length 15 -o d.lrd").code,
      0);
  std::set<std::string> different;
  for (const std::string more : {"", " --bf16", " --negatives 20 --negatives-shared --deterministic"}) {
    std::vector<std::string> logs;
    const bool on_one = more.find("--deterministic") != std::string::npos;
    for (const int threads : {1, 2}) {
      const std::string run = fmt::format("run{}{}", threads, more.size());
      const auto result =
          run_lrurec(folder, fmt::format("train d.lrd -o {} --preset demo --max-steps 15 --threads {} -q{}",
                                         run, threads, more));
      ASSERT_EQ(result.code, 0) << result.err;
      // OpenBLAS with OpenMP has as many threads as that, so both have one.
      const auto about = nlohmann::json::parse(test::read_text(folder / (run + "/run.json")));
      EXPECT_EQ(about["environment"]["threads"], on_one ? 1 : threads) << more;
      std::string log;
      std::istringstream lines(test::read_text(folder / (run + "/metrics.jsonl")));
      for (std::string line; std::getline(lines, line);) {
        auto json = nlohmann::json::parse(line);
        json.erase("step_seconds");
        log += json.dump() + "\n";
      }
      logs.push_back(log);
    }
    EXPECT_EQ(logs[0], logs[1]) << more;
    EXPECT_TRUE(different.insert(logs[0]).second) << "changes nothing:" << more;
  }
}

}  // namespace
}  // namespace lrurec
