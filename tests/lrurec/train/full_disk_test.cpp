// A disk that is full for a moment, and one that stays full.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include "lrurec/train/run_folder.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

namespace lrurec::train {
namespace {

/// Runs f with files limited to so many bytes, and lifts the limit after `seconds`. The limit belongs to a
/// process, so f runs in a child. Returns what f returned, in 0..255.
template <class F>
int with_full_disk(rlim_t bytes, double seconds, F&& f) {
  const pid_t child = ::fork();
  if (child == 0) {
    struct rlimit limit {};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::thread([seconds, limit]() mutable {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      limit.rlim_cur = limit.rlim_max;
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }).detach();
    ::_exit(f());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return test::exit_code(status);
}

Checkpoint state(std::int64_t step) {
  Checkpoint checkpoint;
  checkpoint.config = std::string(5000, '#');
  checkpoint.progress.step = step;
  return checkpoint;
}

TEST(FullDisk, IsTriedAgainAMomentLater) {
  const test::TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "run");
  run.save_last(state(1));
  const int code = with_full_disk(100, 0.3, [&] {
    run.save_last(state(2));
    run.log({{"step", 1}, {"split", std::string(200, 'x')}});
    return 0;
  });
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(std::filesystem::exists(run.checkpoint("previous")));
  EXPECT_EQ(run.log_lines().size(), 1U);
}

// The other files that a run writes, each alone: one that waited for another would find the disk with room
// again.
TEST(FullDisk, EveryFileOfARunIsTriedAgain) {
  const std::map<std::string, std::function<void(const RunFolder&)>> writes{
      {"log",
       [](const RunFolder& run) {
         run.log({{"step", 1}, {"split", std::string(200, 'x')}});
       }},
      {"table", [](const RunFolder& run) { run.write_metrics_table(); }},
      {"best", [](const RunFolder& run) { run.save_best(state(3)); }},
  };
  for (const auto& [name, write] : writes) {
    const test::TemporaryFolder folder;
    const RunFolder run = RunFolder::create(folder / "run");
    run.log({{"step", 0}, {"split", "val"}, {"Recall@10", 0.25}, {"NDCG@10", 0.125}, {"loss", 3.0}});
    EXPECT_EQ(with_full_disk(20, 0.3,
                             [&] {
                               write(run);
                               return 0;
                             }),
              0)
        << name;
  }
}

TEST(FullDisk, ThatStaysFullLeavesWhatWasThere) {
  const test::TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "run");
  run.save_last(state(1));
  run.log({{"step", 1}, {"split", "val"}});
  const auto before = test::read_bytes(run.checkpoint("last"));
  const int code = with_full_disk(30, 1000, [&] {
    std::atomic<int> failures = 0;
    const auto expect_failure = [&](auto f) {
      try {
        f();
      } catch (const Error& e) {
        failures += e.kind() == ErrorKind::io ? 1 : 0;
      }
    };
    std::thread saving(
        [&] { expect_failure([&] { run.save_last(state(2)); }); });  // both wait for some seconds
    expect_failure([&] { run.log({{"step", 2}, {"split", std::string(200, 'x')}}); });
    saving.join();
    return failures.load();
  });
  EXPECT_EQ(code, 2);
  EXPECT_EQ(test::read_bytes(run.checkpoint("last")), before);
  EXPECT_EQ(run.log_lines().size(), 1U) << "half a line would be damage";
  for (const auto& entry : std::filesystem::directory_iterator(folder / "run" / "checkpoints")) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp."), std::string::npos);
  }
}

}  // namespace
}  // namespace lrurec::train
