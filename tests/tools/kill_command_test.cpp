// kill -9 at any moment: a command that is started again ends as if nothing had happened. LRUREC_KILLS says
// how often each kind is killed (tools/kill_test.sh: 500 in all).

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::TemporaryFolder;

int wanted_kills() {
  const char* text = std::getenv("LRUREC_KILLS");
  return text == nullptr ? 10 : std::atoi(text);
}

/// Starts the command in a folder and kills it, with all it started, after so many milliseconds. Returns its
/// exit code if it ended before that, else nothing. feed: a shell command whose output it reads, or empty.
std::optional<int> killed_after(const TemporaryFolder& folder, const std::string& arguments,
                                double milliseconds, const std::string& feed = "") {
  // Through a pipe with a name, so that the command itself is the child that is waited for; a new one each
  // time, since what fed the one before may still be dying, and would leave an event in it.
  const std::string fed = feed.empty() ? "" : "rm -f in && mkfifo in && { " + feed + " > in & } && ";
  const std::string line = "cd " + folder.path().string() + " && " + fed + "exec " + test::command_path() +
                           " " + arguments + (feed.empty() ? "" : " < in");
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    const int nothing = ::open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) ::dup2(nothing, stream);
    ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    ::_exit(127);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
  int status = 0;
  while (std::chrono::steady_clock::now() < end) {
    if (::waitpid(child, &status, WNOHANG) == child) return test::exit_code(status);
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  ::kill(-child, SIGKILL);
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return test::exit_code(status) == 128 + SIGKILL ? std::nullopt : std::optional(test::exit_code(status));
}

/// Milliseconds to live: up to twice what the whole takes, so that a kill may come anywhere and the end is
/// reached.
class Fate {
 public:
  /// `whole` is run once, and timed.
  template <class F>
  explicit Fate(F&& whole) : times_(1, 2 * milliseconds(whole)) {}
  double next() { return times_(random_); }

 private:
  template <class F>
  static double milliseconds(F& f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  static unsigned seed() {
    const char* again = std::getenv("LRUREC_KILL_SEED");
    const unsigned seed =
        again != nullptr ? static_cast<unsigned>(std::atoll(again)) : std::random_device()();
    testing::Test::RecordProperty("kill_seed",
                                  std::to_string(seed));  // in the report; LRUREC_KILL_SEED repeats it
    return seed;
  }

  std::mt19937 random_{seed()};
  std::uniform_real_distribution<double> times_;
};

void expect_no_temporaries(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp."), std::string::npos) << entry.path();
  }
}

std::string log_of(const std::filesystem::path& run) {
  std::istringstream in(test::read_text(run / "metrics.jsonl"));
  std::string all;
  for (std::string line; std::getline(in, line);) {
    auto json = nlohmann::json::parse(line);
    json.erase("step_seconds");
    all += json.dump() + "\n";
  }
  return all;
}

const std::string training =
    " -q --threads 1 --hidden 8 --channels 12 --max-length 6 --batch-size 16 --validate-every 3 "
    "--max-steps 60 --learning-rate 0.01 --log-every 2";

TEST(KillCommand, ACrashIsNoExitCodeZero) {
  const TemporaryFolder folder;
  EXPECT_EQ(test::run_shell(folder, "kill -TERM $$").code, 143);
  EXPECT_EQ(test::exit_code(SIGSEGV), 139) << "what wait() gives of a process that a signal ended";
  EXPECT_EQ(test::exit_code(3 << 8), 3);
}

TEST(KillCommand, ATrainingEndsAtTheSameBytes) {
  const TemporaryFolder folder;
  test::make_run(folder, "other");
  Fate fate([&] { ASSERT_EQ(run_lrurec(folder, "train d.lrd -o whole" + training).code, 0); });
  int kills = 0;
  for (int run = 0; kills < wanted_kills(); ++run) {
    const std::string name = "run" + std::to_string(run);
    for (int lives = 0; lives < 1000; ++lives) {
      const bool begun = std::filesystem::exists(folder / name / "checkpoints/last.ckpt") ||
                         std::filesystem::exists(folder / name / "checkpoints/previous.ckpt");
      const auto code =
          killed_after(folder, "train d.lrd -o " + name + training + (begun ? " --resume" : ""), fate.next());
      if (code) {
        ASSERT_EQ(*code, 0) << "what a kill leaves must be a beginning or a run";
        break;
      }
      ++kills;
    }
    EXPECT_EQ(test::read_bytes(folder / name / "checkpoints/last.ckpt"),
              test::read_bytes(folder / "whole/checkpoints/last.ckpt"));
    EXPECT_EQ(test::read_bytes(folder / name / "checkpoints/best.ckpt"),
              test::read_bytes(folder / "whole/checkpoints/best.ckpt"));
    EXPECT_TRUE(log_of(folder / name) == log_of(folder / "whole")) << log_of(folder / name);
    expect_no_temporaries(folder / name);
  }
}

TEST(KillCommand, PrepareLeavesTheOldDataOrTheNew) {
  const TemporaryFolder folder;
  const std::string prepare =
      "prepare --demo -q --force --demo-users 3000 --demo-items 40 --demo-length 8 -o ";
  Fate fate([&] { ASSERT_EQ(run_lrurec(folder, prepare + "new.lrd").code, 0); });
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -q -o old.lrd --demo-users 60 --demo-items 40 --demo-length 8").code,
      0);
  const auto before = test::read_bytes(folder / "old.lrd"), after = test::read_bytes(folder / "new.lrd");
  std::filesystem::create_directory(folder / "at");
  for (int kills = 0; kills < wanted_kills();) {
    std::filesystem::copy_file(folder / "old.lrd", folder / "at/d.lrd",
                               std::filesystem::copy_options::overwrite_existing);
    const auto code = killed_after(folder, prepare + "at/d.lrd", fate.next());
    EXPECT_EQ(code.value_or(0), 0);
    kills += code ? 0 : 1;
    const auto found = test::read_bytes(folder / "at/d.lrd");
    EXPECT_TRUE(found == before || found == after);
  }
  ASSERT_EQ(run_lrurec(folder, prepare + "at/d.lrd").code, 0);
  expect_no_temporaries(folder / "at");
}

TEST(KillCommand, ASweepEndsWithTheSameNumbers) {
  const TemporaryFolder folder;
  test::make_run(folder, "other");
  test::write_text(folder / "grid.toml",
                   "data = \"d.lrd\"\nseeds = [1, 2]\nthreads = 1\n[settings]\nhidden = 8\nchannels = "
                   "12\nmax_length = 6\nbatch_size = "
                   "16\nvalidate_every = 3\nmax_steps = 12\n[grid]\ndropout = [0.1, 0.3]\n");
  const auto results = [&](const std::string& name) {
    const auto json = nlohmann::json::parse(test::read_text(folder / name / "sweep.json"));
    return nlohmann::json{json.at("best"), json.at("test")}.dump();
  };
  Fate fate([&] { ASSERT_EQ(run_lrurec(folder, "sweep grid.toml -o whole -q").code, 0); });
  int kills = 0;
  for (int sweep = 0; kills < wanted_kills(); ++sweep) {
    const std::string name = "sweep" + std::to_string(sweep);
    for (int lives = 0; lives < 1000; ++lives) {
      const auto code = killed_after(folder, "sweep grid.toml -o " + name + " -q", fate.next());
      if (!code) {
        ++kills;
        continue;
      }
      if (*code == 2) continue;  // runs of the killed one may still be saving
      ASSERT_EQ(*code, 0);
      break;
    }
    EXPECT_EQ(results(name), results("whole"));
  }
}

TEST(KillCommand, ASessionLosesNoMoreThanAnInterval) {
  const TemporaryFolder folder;
  test::make_run(folder);
  constexpr int events = 30;
  const auto event = [](int i) {
    return "{\"user\": \"a\", \"item\": \"i" + std::to_string(1 + i * 7 % 40) + "\", \"k\": 1}\n";
  };
  std::string all;
  for (int i = 0; i < events; ++i) all += event(i);
  test::write_text(folder / "all", all);
  // An event every 10 ms, so that kills come between saves.
  const std::string feed = "while read -r line; do echo \"$line\"; sleep .01; done ";
  Fate fate([&] {
    const std::string session = test::command_path() + " session run --save-every 0 --state whole";
    ASSERT_EQ(test::run_shell(folder, feed + "< all | " + session).code, 0);
  });
  int kills = 0, in_mid_stream = 0;
  for (int session = 0; kills < wanted_kills(); ++session) {
    const std::string state = "state" + std::to_string(session);
    int known = 0;
    for (int lives = 0; lives < 1000; ++lives) {
      std::string rest;
      for (int i = known; i < events; ++i) rest += event(i);
      test::write_text(folder / "rest", rest);
      const auto code =
          killed_after(folder, "session run --save-every 0 --state " + state, fate.next(), feed + "< rest");
      EXPECT_EQ(code.value_or(0), 0);
      kills += code ? 0 : 1;
      const auto asked = test::run_shell(
          folder, "[ ! -e " + state + " ] || echo '{\"user\": \"a\", \"item\": \"nothing\"}' | " +
                      test::command_path() + " session run --state " + state);
      const int found = asked.out.empty() ? 0 : nlohmann::json::parse(asked.out).at("events").get<int>();
      EXPECT_GE(found, known) << "what was saved stays";
      in_mid_stream += !code && found > 0 && found < events ? 1 : 0;
      known = found;
      if (code) break;
    }
    EXPECT_EQ(known, events);
    EXPECT_EQ(test::read_bytes(folder / state), test::read_bytes(folder / "whole"));
    expect_no_temporaries(folder.path());
  }
  EXPECT_GT(in_mid_stream, 0);
}

}  // namespace
}  // namespace lrurec
