// Negatives and sampled evaluation as a user of the command meets them.

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::TemporaryFolder;

const std::string tiny_sampled =
    " --hidden 8 --channels 12 --max-length 6 --batch-size 16 --validate-every 5 --max-steps 5";

void make_sampled_demo(const TemporaryFolder& folder) {
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
}

TEST(SampledCommand, TrainsAndEvaluatesUnderNamesOfItsOwn) {
  const TemporaryFolder folder;
  make_sampled_demo(folder);
  test::write_text(folder / "c.toml", "negatives = 6\nlog_correction = true\neval_negatives = 12\n");
  const auto trained =
      run_lrurec(folder, "train d.lrd -o run --config c.toml --negatives-shared true --json" + tiny_sampled);
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(trained.err.find("validation: sampled Recall@10"), std::string::npos) << trained.err;
  EXPECT_TRUE(nlohmann::json::parse(trained.out).contains("best_validation_sampled_recall10"));
  const std::string saved = test::read_text(folder / "run/config.toml");
  for (const char* line :
       {"negatives = 6 ", "negatives_shared = true ", "log_correction = true ", "eval_negatives = 12 "}) {
    EXPECT_NE(saved.find(line), std::string::npos) << line;
  }

  const auto json = nlohmann::json::parse(run_lrurec(folder, "evaluate run --json").out);
  EXPECT_EQ(json["candidates"], "12 sampled");
  EXPECT_TRUE(json.contains("sampled loss"));
  EXPECT_FALSE(json.contains("loss"));
  EXPECT_FALSE(json.contains("best_possible")) << "that is of a full ranking";
  for (const auto& [row, metrics] : json["metrics"].items()) {
    for (const auto& [name, value] : metrics.items()) EXPECT_TRUE(name.starts_with("sampled ")) << name;
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "run/evaluation-test-sampled.json"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run/evaluation-test.json"));
  const auto text = run_lrurec(folder, "evaluate run").out;
  EXPECT_NE(text.find("SAMPLED: 12 random items"), std::string::npos) << text;
  EXPECT_NE(text.find("sampled test"), std::string::npos) << text;

  const auto few = run_lrurec(folder, "train d.lrd -o few --config c.toml --validate-users 9" + tiny_sampled);
  EXPECT_NE(few.err.find("validation of 9 users: sampled Recall@10"), std::string::npos) << few.err;
  EXPECT_EQ(nlohmann::json::parse(run_lrurec(folder, "evaluate few --json").out)["users"], 60);

  const auto full = nlohmann::json::parse(run_lrurec(folder, "evaluate run --json --eval-negatives 0").out);
  EXPECT_EQ(full["candidates"], 40);
  EXPECT_TRUE(full["metrics"]["LRURec"].contains("Recall@10"));
  EXPECT_TRUE(std::filesystem::exists(folder / "run/evaluation-test.json"));
  const auto all = nlohmann::json::parse(run_lrurec(folder, "evaluate run --json --eval-negatives 40").out);
  for (const char* row : {"LRURec", "popularity", "last-item Markov"}) {
    EXPECT_EQ(all["metrics"][row]["sampled NDCG@10"], full["metrics"][row]["NDCG@10"]) << row;
  }
  EXPECT_EQ(all["candidates"], "39 sampled") << "beside the target, which is one of the forty";
}

TEST(SampledCommand, EvaluateRepeatsTheValidationOfTraining) {
  const TemporaryFolder folder;
  make_sampled_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q --eval-negatives 9" + tiny_sampled).code, 0);
  const auto json =
      nlohmann::json::parse(run_lrurec(folder, "evaluate run --split val --json --checkpoint last").out);
  nlohmann::json last;
  std::istringstream lines(test::read_text(folder / "run/metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    if (object["split"] == "val") last = object;
  }
  EXPECT_EQ(json["metrics"]["LRURec"]["sampled Recall@10"], last["sampled Recall@10"]);
  EXPECT_EQ(json["metrics"]["LRURec"]["sampled NDCG@50"], last["sampled NDCG@50"]);
}

// Regression: each run drew candidates of its own, so the same weights were better or worse than themselves.
TEST(SampledCommand, RunsOfTwoSeedsAreComparedAmongTheSameItems) {
  const TemporaryFolder folder;
  make_sampled_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o a -q --seed 2" + tiny_sampled).code, 0);
  ASSERT_EQ(run_lrurec(folder, "export a -o a.st -q").code, 0);
  ASSERT_EQ(run_lrurec(folder, "import a.st --data d.lrd -o b -q").code, 0);
  const auto json = nlohmann::json::parse(
      run_lrurec(folder, "compare b a --eval-negatives 9 --metrics Recall@1 --json").out);
  EXPECT_EQ(json["runs"][0]["metrics"]["sampled Recall@1"]["users_that_differ"], 0) << json;
}

// Regression: all numbers were named after the first run's candidates, so one side's name was wrong.
TEST(SampledCommand, AComparisonNamesTheCandidatesOfEachSide) {
  const TemporaryFolder folder;
  make_sampled_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o sampled -q --eval-negatives 12" + tiny_sampled).code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o full -q" + tiny_sampled).code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o other -q --seed 2" + tiny_sampled).code, 0);
  const std::string compare = "compare full other sampled --force";
  const auto text = run_lrurec(folder, compare).out;
  for (const char* part : {"Recall@10 / sampled Recall@10", "not comparable\n", "UNLIKE PROTOCOLS",
                           " users in common; unlike: candidates (all / 12)\n", "(2 tests: "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  const auto runs = nlohmann::json::parse(run_lrurec(folder, compare + " --json").out)["runs"];
  EXPECT_TRUE(runs[0]["metrics"].contains("NDCG@10"));
  EXPECT_TRUE(runs[1]["metrics"].contains("NDCG@10 / sampled NDCG@10"));
}

TEST(SampledCommand, SettingsAreCheckedAndKeptByAResumedRun) {
  const TemporaryFolder folder;
  make_sampled_demo(folder);
  const auto refused = [&](const std::string& arguments, int code, const std::string& message) {
    const auto result = run_lrurec(folder, arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  refused("train d.lrd -o run --negatives -1", 2, "negatives = -1 must be in 0..");
  refused("train d.lrd -o run --negatives-shared maybe", 2, "negatives_shared needs true or false");
  refused("train d.lrd -o run --negative 5", 2, "did you mean '--negatives'?");
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run -q --negatives 5" + tiny_sampled).code, 0);
  refused("train d.lrd -o run --resume --negatives 6", 4, "cannot change negatives");
  refused("train d.lrd -o run --resume --eval-negatives 6", 4, "cannot change eval_negatives");
  refused("evaluate run --eval-negatives -3", 2, "--eval-negatives");
  refused("evaluate run --eval-negatives 100000", 2, "or to 0 to rank all of them");
}

TEST(SampledCommand, DemonstrationDataHaveTheShapesOfOtherDataSets) {
  const TemporaryFolder folder;
  // XLong's catalogue and lengths, for a few users.
  const auto long_ones = run_lrurec(folder,
                                    "prepare --demo -o x.lrd --demo-users 8 --demo-items 2122932 "
                                    "--demo-length 959 --demo-equal-lengths --max-length 1000 --json");
  ASSERT_EQ(long_ones.code, 0) << long_ones.err;
  const auto json = nlohmann::json::parse(long_ones.out);
  EXPECT_EQ(json["items"], 2122932);
  EXPECT_EQ(json["interactions"], 8 * 959);
  // Video's, with fewer users.
  const auto short_ones = nlohmann::json::parse(
      run_lrurec(folder,
                 "prepare --demo -o v.lrd --demo-users 3000 --demo-items 23715 --demo-length 9.3 --json")
          .out);
  EXPECT_EQ(short_ones["items"], 23715);
  EXPECT_NEAR(short_ones["interactions"].get<double>() / 3000, 9.3, 0.3);
}

}  // namespace
}  // namespace lrurec
