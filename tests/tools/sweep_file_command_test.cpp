// The file of a sweep and its summary: what is drawn, refused before anything runs, and kept.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/runs.h"
#include "tests/support/sweeps.h"

namespace lrurec {
namespace {

using test::make_sweep_data;
using test::read_text;
using test::run_lrurec;
using test::sweep_head;
using test::sweep_results;
using test::sweep_settings;
using test::TemporaryFolder;
using test::write_text;

TEST(SweepCommand, ASampleOfTheGridIsDrawnAndGrows) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", "data = 'd.lrd'\nsample = 2\n" + sweep_settings +
                                    "max_steps = 1\n[grid]\ndropout = [0, 0.1, 0.2]\nblocks = [1, 2]\n");
  const auto plan = run_lrurec(folder, "sweep s.toml -o out --dry-run");
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("2 of the grid's 6 combinations, drawn at random"), std::string::npos) << plan.out;
  ASSERT_EQ(run_lrurec(folder, "sweep s.toml -o out -q --no-test").code, 0);
  const auto more = run_lrurec(folder, "sweep s.toml -o out -q --no-test --dry-run --json --sample 3");
  ASSERT_EQ(more.code, 0) << more.err;
  const auto json = nlohmann::json::parse(more.out);
  EXPECT_EQ(json["grid"], 6);
  EXPECT_EQ(json["runs"], 3);
  EXPECT_EQ(json["missing"], 1) << "the two of the smaller sample are there";
  const auto none = run_lrurec(folder, "sweep s.toml -o out --sample 0");
  EXPECT_EQ(none.code, 2) << none.err;
}

TEST(SweepCommand, ChannelsThatDoNotFollowHiddenAreTold) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  const std::string quick = "data = 'd.lrd'\n[settings]\nmax_length = 6\nmax_steps = 1\n";
  write_text(folder / "one.toml", quick + "[grid]\nhidden = [8]\n");
  const auto told = run_lrurec(folder, "sweep one.toml -o one --no-test");
  EXPECT_NE(told.err.find("note: channels stays 128 for every hidden"), std::string::npos) << told.err;
  write_text(folder / "both.toml", quick + "channels = 128\n[grid]\nhidden = [8]\n");
  const auto both = run_lrurec(folder, "sweep both.toml -o both --no-test");
  EXPECT_EQ(both.err.find("channels stays"), std::string::npos) << both.err;
}

TEST(SweepCommand, RefusesBeforeAnythingRuns) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "[grid]\ndropuot = [0.1]\n");
  const auto typo = run_lrurec(folder, "sweep s.toml -o out");
  EXPECT_EQ(typo.code, 2);
  EXPECT_NE(typo.err.find("s.toml:11: unknown key 'dropuot'; did you mean 'dropout'?"), std::string::npos)
      << typo.err;
  write_text(folder / "s.toml", sweep_head + sweep_settings);
  const auto little = run_lrurec(folder, "sweep s.toml -o out --memory '1 MB'");
  EXPECT_EQ(little.code, 7);
  EXPECT_NE(little.err.find("alone needs about"), std::string::npos) << little.err;
  write_text(folder / "s.toml", sweep_head + sweep_settings + "[grid]\neval_negatives = [5, 10]\n");
  const auto unlike = run_lrurec(folder, "sweep s.toml -o out");
  EXPECT_EQ(unlike.code, 2);
  EXPECT_NE(unlike.err.find("choose one of each"), std::string::npos) << unlike.err;
  write_text(folder / "s.toml", sweep_head + sweep_settings + "[grid]\nvalidate_users = [5, 10]\n");
  EXPECT_EQ(run_lrurec(folder, "sweep s.toml -o out").code, 2);
  write_text(folder / "s.toml",
             sweep_head + "[settings]\nnegatives = 5\n[grid]\nlabel_smoothing = [0.1, 0.2]\n");
  EXPECT_EQ(run_lrurec(folder, "sweep s.toml -o out --dry-run -q").code, 2);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "eval_negatives = 1000\n");
  const auto many = run_lrurec(folder, "sweep s.toml -o out --dry-run");
  EXPECT_EQ(many.code, 2) << many.out;
  EXPECT_NE(many.err.find("eval_negatives = 1000 of 40 items"), std::string::npos) << many.err;
  write_text(folder / "s.toml", "data = 'none.lrd'\nseeds = [1]\n");
  EXPECT_EQ(run_lrurec(folder, "sweep s.toml -o out").code, 5);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

// Regression: a test of fewer steps was forgotten once there was one of more steps.
TEST(SweepCommand, EveryTestThatWasLookedAtStays) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 2\nvalidate_every = 2\n");
  const std::string command = "sweep s.toml -o out -q --seeds 1";
  ASSERT_EQ(run_lrurec(folder, command).code, 0);
  auto before = sweep_results(folder);
  ASSERT_EQ(before["tests_seen"].size(), 1U);
  before["tests_seen"][0]["metrics"]["Recall@10"]["mean"] = 2;  // as of other weights
  write_text(folder / "out/sweep.json", before.dump());
  for (int twice = 0; twice < 2; ++twice) {
    ASSERT_EQ(run_lrurec(folder, command).code, 0);
    const auto after = sweep_results(folder);
    ASSERT_EQ(after["tests_seen"].size(), 2U) << "the same test is no further one";
    EXPECT_EQ(after["tests_seen"][0], before["tests_seen"][0]);
    EXPECT_EQ(after["tests_seen"][1]["metrics"], after["test"]);
  }
}

// Regression: it was an internal error, after memory had been measured.
TEST(SweepCommand, ADamagedListOfTestsIsAFileThatIsDamaged) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 2\nvalidate_every = 2\n");
  std::filesystem::create_directory(folder / "out");
  for (const std::string seen : {"[1]", "[{}]", "{\"a\": 1}", "\"x\""}) {
    const std::string text = "{\"made_by\": \"lrurec sweep\", \"tests_seen\": " + seen + "}";
    write_text(folder / "out/sweep.json", text);
    const auto refused = run_lrurec(folder, "sweep s.toml -o out");
    EXPECT_EQ(refused.code, 4) << seen << refused.err;
    EXPECT_NE(refused.err.find("out/sweep.json is damaged: its \"tests_seen\""), std::string::npos)
        << refused.err;
    EXPECT_EQ(refused.err.find("measuring memory"), std::string::npos) << refused.err;
    EXPECT_EQ(read_text(folder / "out/sweep.json"), text);
  }
  write_text(folder / "out/sweep.json", "");
  const auto swept = run_lrurec(folder, "sweep s.toml -o out -q --seeds 1");
  EXPECT_EQ(swept.code, 0) << swept.err;
  EXPECT_EQ(sweep_results(folder)["tests_seen"].size(), 1U);
}

// Regression: it was replaced.
TEST(SweepCommand, ASummaryOfTheUserIsKept) {
  const TemporaryFolder folder;
  make_sweep_data(folder);
  write_text(folder / "s.toml", sweep_head + sweep_settings + "max_steps = 2\nvalidate_every = 2\n");
  for (const std::string mine : {"{\"mine\": 1}", "not even JSON"}) {
    write_text(folder / "sweep.json", mine);
    const auto refused = run_lrurec(folder, "sweep s.toml -o . --no-test");
    EXPECT_EQ(refused.code, 2);
    EXPECT_NE(refused.err.find("sweep.json is there already and does not say that lrurec made it"),
              std::string::npos)
        << refused.err;
    EXPECT_EQ(read_text(folder / "sweep.json"), mine);
    EXPECT_FALSE(std::filesystem::exists(folder / "settings")) << "before any run";
  }
  EXPECT_EQ(run_lrurec(folder, "sweep s.toml -o . --dry-run").code, 0);
  std::filesystem::remove(folder / "sweep.json");
  for (int twice = 0; twice < 2; ++twice)
    EXPECT_EQ(run_lrurec(folder, "sweep s.toml -o . --no-test").code, 0);
}

}  // namespace
}  // namespace lrurec
