// The benchmarks at sizes where they take no time: what they promise to print is there and makes sense.

#include <nlohmann/json.hpp>

#include "tests/support/devices.h"
#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::TemporaryFolder;

nlohmann::json bench(const TemporaryFolder& folder, const std::string& arguments) {
  const auto result = run_lrurec(folder, "bench --rough " + arguments + " --json");
  EXPECT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  for (const char* key : {"sgemm_gflops", "copy_gbps"}) EXPECT_GT(json[key].get<double>(), 0) << key;
  EXPECT_EQ(json.contains("fma_gflops"), arguments.find("--device cuda") == std::string::npos);
  EXPECT_GE(json["threads"].get<int>(), 1);
  EXPECT_FALSE(json["processor"].get<std::string>().empty());
  return json;
}

TEST(Bench, TrainAndEvalGiveTimesAndTheirFloor) {
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
  const auto train = bench(folder, "train d.lrd --preset demo --batch-size 16 --steps 3 --warmup 1");
  for (const char* key : {"step_seconds_median", "floor_seconds", "peak_memory_bytes", "tokens_mean"}) {
    EXPECT_GT(train[key].get<double>(), 0) << key;
  }
  EXPECT_DOUBLE_EQ(train["ratio_to_floor"].get<double>(),
                   train["step_seconds_median"].get<double>() / train["floor_seconds"].get<double>());
  EXPECT_EQ(train["step_seconds_runs"], 3);
  // 786 kflop a token at the paper's sizes.
  const auto paper = bench(folder, "train d.lrd --preset ml-1m --batch-size 16 --steps 1 --warmup 0");
  EXPECT_DOUBLE_EQ(paper["flop"]["blocks"].get<double>(), 786432 * paper["tokens_mean"].get<double>());

  const auto eval = bench(folder, "eval d.lrd --preset demo --runs 1");
  EXPECT_GT(eval["ratio_to_floor"].get<double>(), 0);
  EXPECT_EQ(eval["users"], 60);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q --hidden 8 --channels 12 --max-steps 1").code, 0);
  const auto of_run = bench(folder, "eval run --runs 1");
  EXPECT_EQ(of_run["items"], 40);
  EXPECT_LT(of_run["flop"]["scores"].get<double>(), eval["flop"]["scores"].get<double>())
      << "the settings of the run";
  EXPECT_EQ(run_lrurec(folder, "bench --rough eval run --hidden 16").code, 4) << "weights of another size";
  EXPECT_EQ(run_lrurec(folder, "bench train d.lrd --setps 3").code, 2);
  EXPECT_EQ(run_lrurec(folder, "bench trian d.lrd").code, 2);
  EXPECT_EQ(run_lrurec(folder, "bench").code, 2);
  EXPECT_EQ(run_lrurec(folder, "bench train none.lrd").code, 5);
  for (const std::string way : {"--graphs", "--head two-pass", "--update-pieces 4"}) {
    const auto refused = run_lrurec(folder, "bench --rough train d.lrd --preset demo " + way);
    EXPECT_EQ(refused.code, 2) << way;
    EXPECT_NE(refused.err.find("--device cuda"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(run_lrurec(folder, "bench train d.lrd --head fast").code, 2);
}

TEST(Bench, RecommendationsAndSessionsOfARun) {
  const TemporaryFolder folder;
  test::make_run(folder);
  const auto recommend = bench(folder, "recommend run -k 3 --runs 1 --users 20");
  EXPECT_EQ(recommend["users"], 20);
  EXPECT_GT(recommend["users_per_second"].get<double>(), 0);
  EXPECT_GT(recommend["scored_share"].get<double>(), 0);
  EXPECT_LE(recommend["scored_share"].get<double>(), 1);
  EXPECT_EQ(bench(folder, "recommend run --runs 1")["users"], 60) << "all of them";
  const auto session = bench(folder, "session run --sessions 7 --events 20 --runs 2");
  for (const char* key : {"one_by_one_events_per_second", "together_events_per_second"}) {
    EXPECT_GT(session[key].get<double>(), 0) << key;
  }
  const auto incremental = bench(folder, "incremental run --steps 5 -k 2");
  EXPECT_EQ(incremental["items"], 40) << "the run's";
  EXPECT_GT(incremental["scored_share"].get<double>(), 0);
  // Per block: three logs of 12 channels, two complex matrices of 12 x 8 and their biases, a network 8 -> 32
  // -> 8 and two layer norms; one norm behind the embedding; 41 rows of 8 with a bias.
  const double block = 3 * 12 + 2 * (2 * 12 * 8 + 12 + 8) + 2 * 32 * 8 + 32 + 8 + 2 * 16;
  EXPECT_NEAR(incremental["floor_seconds"].get<double>() * incremental["copy_gbps"].get<double>() * 1e9,
              4 * (2 * block + 16 + 41 * 9), 1);
  EXPECT_EQ(run_lrurec(folder, "bench recommend nowhere").code, 5);
}

TEST(Bench, KernelsAndSessions) {
  const TemporaryFolder folder;
  const auto scan = bench(folder, "scan --lengths 3,50 --channels 5 --tokens 60 --runs 2");
  EXPECT_EQ(scan["results"].size(), 6U);
  for (const auto& row : scan["results"]) EXPECT_GT(row["gbps"].get<double>(), 0);
  const auto incremental = bench(folder, "incremental --items 70 --steps 9");
  EXPECT_GT(incremental["step_and_top_k_p50"].get<double>(), 0);
  EXPECT_EQ(incremental["by_length"].size(), 5U) << "after 1, 2, 4, 8 and 9 events";
  EXPECT_EQ(incremental["by_length"].back()["events"], 9);
  EXPECT_EQ(run_lrurec(folder, "bench incremental none.lrd").code, 5);
  const auto ops = bench(folder, "ops --tokens 20 --sequences 3 --classes 30 --runs 1");
  EXPECT_GE(ops["results"].size(), 10U);
}

TEST(BenchCuda, EveryBenchmarkRunsOnAGpu) {
  LRUREC_NEEDS_GPU();
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 20 --demo-items 40 --demo-length 8").code, 0);
  const std::string tiny = " --hidden 8 --channels 12 --max-length 6 --batch-size 2 --device cuda";
  const auto train = bench(folder, "train d.lrd --steps 12 --warmup 1 --log-every 5" + tiny);
  EXPECT_EQ(train["step_seconds_runs"], 3) << "five steps at a time, as a training waits for them, then two";
  EXPECT_GT(train["peak_memory_bytes"].get<double>(), 0);
  EXPECT_FALSE(train["gpu"].get<std::string>().empty());
  EXPECT_EQ(train["graphs"]["recorded_steps"], 0);
  const auto ways =
      bench(folder, "train d.lrd --steps 12 --warmup 1 --head two-pass --graphs --update-pieces 16" + tiny);
  EXPECT_EQ(ways["head"], "two-pass");
  EXPECT_EQ(ways["update_pieces"], 16);
  EXPECT_GT(ways["graphs"]["recorded_steps"].get<int>(), 0);
  EXPECT_EQ(
      run_lrurec(folder, "check training d.lrd --steps 4 --repeat 2 --head two-pass --graphs" + tiny).code,
      0);
  EXPECT_EQ(run_lrurec(folder, "check training d.lrd --steps 4 --head two-pass --graphs" + tiny).code, 0);
  EXPECT_GT(bench(folder, "eval d.lrd --runs 1" + tiny)["ratio_to_floor"].get<double>(), 0);
  EXPECT_EQ(
      bench(folder, "scan --device cuda --tokens 64 --lengths 16,64 --channels 8 --runs 1")["results"].size(),
      6U);
  EXPECT_GT(bench(folder, "incremental --device cuda --items 30 --steps 2")["step_p50"].get<double>(), 0);
}

}  // namespace
}  // namespace lrurec
