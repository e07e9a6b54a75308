// The page of lrurec report, drawn by a browser where there is one.

#include <nlohmann/json.hpp>

#include "tests/support/pages.h"
#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::browse;
using test::console_has_errors;
using test::make_run;
using test::no_browser;
using test::read_text;
using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;
using test::write_text;

TEST(ReportCommand, WritesAPageIntoTheRunFolder) {
  const TemporaryFolder folder;
  make_run(folder);
  ASSERT_EQ(run_lrurec(folder, "evaluate run").code, 0);
  const auto written = run_lrurec(folder, "report run");
  ASSERT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(written.out, "run/report.html\n");
  EXPECT_NE(read_text(folder / "run/report.html").find("Recall@10"), std::string::npos);

  const auto json = run_lrurec(folder, "report run --json");
  ASSERT_EQ(json.code, 0) << json.err;
  const auto parsed = nlohmann::json::parse(json.out);
  EXPECT_TRUE(parsed[0]["evaluations"]["test"]["intervals"].contains("popularity"));
}

// Regression: a user's page was replaced if it began as lrurec's pages do, and called no page if it did not.
TEST(ReportCommand, ReplacesNoPageButItsOwn) {
  const TemporaryFolder folder;
  make_run(folder);
  for (const std::string begin :
       {"<!doctype html>\n<title>mine</title>", "<!DOCTYPE html><title>mine</title>"}) {
    write_text(folder / "index.html", begin);
    for (const std::string command : {"report run -o index.html", "explore run -o index.html"}) {
      const auto refused = run_lrurec(folder, command);
      EXPECT_EQ(refused.code, 2) << command;
      EXPECT_NE(
          refused.err.find("index.html is there already and does not say that lrurec made it; move it away"),
          std::string::npos)
          << refused.err;
      EXPECT_EQ(read_text(folder / "index.html"), begin) << command;
    }
  }
  std::filesystem::remove(folder / "index.html");
  for (const std::string command : {"report run -o index.html", "explore run -o index.html", "report run"}) {
    EXPECT_EQ(run_lrurec(folder, command).code, 0) << command;
  }
}

TEST(ReportCommand, RefusesWhatIsNoRun) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_lrurec(folder, "report nothing").code, 5);
  make_run(folder);
  write_text(folder / "run/evaluation-test.json", "{");
  const auto damaged = run_lrurec(folder, "report run");
  EXPECT_EQ(damaged.code, 4);
  EXPECT_NE(damaged.err.find("evaluation-test.json"), std::string::npos) << damaged.err;
}

TEST(ReportCommand, IsDrawnByABrowserWithoutAComplaint) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  make_run(folder, "other", " --seed 2 --dropout 0.5");
  ASSERT_EQ(run_lrurec(folder, "evaluate run").code, 0);
  ASSERT_EQ(run_lrurec(folder, "report run").code, 0);
  ASSERT_EQ(run_lrurec(folder, "report run other -o both.html").code, 0);

  const auto one = browse(folder, "run/report.html");
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_FALSE(console_has_errors(one.err)) << one.err;
  // Two intervals, four curves, a disk for each of two blocks, half-lives, |lambda| over steps.
  EXPECT_NE(one.out.find("data-charts=\"10\""), std::string::npos);
  EXPECT_NE(one.out.find("Test metrics"), std::string::npos);
  EXPECT_EQ(one.out.find("<p class=\"warning\">"), std::string::npos);

  const auto both = browse(folder, "both.html");
  EXPECT_FALSE(console_has_errors(both.err)) << both.err;
  EXPECT_NE(both.out.find("<p class=\"warning\">"), std::string::npos);  // of the other

  // The check itself: a page whose script fails.
  std::string broken = read_text(folder / "both.html");
  const auto at = broken.find("heading();");
  ASSERT_NE(at, std::string::npos);
  write_text(folder / "broken.html", broken.replace(at, 10, "heading(;)"));
  EXPECT_TRUE(console_has_errors(browse(folder, "broken.html").err));
}

TEST(ReportCommand, ATestAmongSomeItemsIsATest) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder, "run", " --eval-negatives 5");
  ASSERT_EQ(run_lrurec(folder,
                       "train d.lrd -o other -q --model mf --hidden 8 --batch-size 16 --validate-every 5 "
                       "--max-steps 10 --eval-negatives 5")
                .code,
            0);
  for (const std::string run : {"run", "other"}) ASSERT_EQ(run_lrurec(folder, "evaluate " + run).code, 0);
  ASSERT_EQ(run_lrurec(folder, "report run").code, 0);
  const auto page = browse(folder, "run/report.html");
  EXPECT_FALSE(console_has_errors(page.err)) << page.err;
  EXPECT_EQ(page.out.find("<p class=\"warning\">"), std::string::npos) << "that there is none";
  EXPECT_NE(page.out.find("test sampled Recall@10"), std::string::npos);
  ASSERT_EQ(run_lrurec(folder, "report other run -o both.html").code, 0);
  EXPECT_NE(browse(folder, "both.html").out.find(">channels<"), std::string::npos)
      << "which the first has not";
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Regression: the command that the page named made another evaluation.
TEST(ReportCommand, AnEvaluationOfEarlierWeightsIsMadeAgainWithItsOwnFlags) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder, "run", " --eval-negatives 5");
  const std::vector<std::pair<std::string, std::string>> evaluations{
      {"evaluation-val-mask-all-sampled-last", "--split val --mask all --eval-negatives 7 --checkpoint last"},
      {"evaluation-test", "--eval-negatives 0"}};
  for (const auto& [file, flags] : evaluations) {
    ASSERT_EQ(run_lrurec(folder, "evaluate run " + flags).code, 0);
    auto json = nlohmann::json::parse(read_text(folder / "run" / (file + ".json")));
    json["step"] = 1;
    write_text(folder / "run" / (file + ".json"), json.dump());
  }
  ASSERT_EQ(run_lrurec(folder, "report run -o page.html").code, 0);
  const auto page = browse(folder, "page.html");
  EXPECT_FALSE(console_has_errors(page.err)) << page.err;
  for (const auto& [file, flags] : evaluations) {
    EXPECT_NE(page.out.find("<code>lrurec evaluate RUN " + flags + "</code>"), std::string::npos) << flags;
  }
}

// Runs that `compare` refuses share no table, and the remedy that the page names works.
TEST(ReportCommand, RunsOfUnlikeProtocolsHaveTablesOfTheirOwn) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  make_run(folder, "short", " --max-length 3");
  for (const char* run : {"run", "short"}) {
    ASSERT_EQ(run_lrurec(folder, std::string("evaluate ") + run).code, 0);
  }
  ASSERT_EQ(run_lrurec(folder, "report run short -o unlike.html").code, 0);
  const auto unlike = browse(folder, "unlike.html");
  ASSERT_FALSE(console_has_errors(unlike.err)) << unlike.err;
  EXPECT_EQ(count(unlike.out, ">Not evaluated like the other runs (mask)"), 2U);
  EXPECT_EQ(count(unlike.out, "<code>lrurec evaluate RUN --mask all</code>"), 2U);
  EXPECT_NE(unlike.out.find("Test metrics: run</h2>"), std::string::npos);
  EXPECT_NE(unlike.out.find("Test metrics: short</h2>"), std::string::npos);

  for (const char* run : {"run", "short"}) {
    std::filesystem::remove(folder / run / "evaluation-test.json");
    ASSERT_EQ(run_lrurec(folder, std::string("evaluate --mask all ") + run).code, 0);
  }
  ASSERT_EQ(run_lrurec(folder, "report run short -o alike.html").code, 0);
  const auto alike = browse(folder, "alike.html");
  EXPECT_EQ(count(alike.out, ">Not evaluated like"), 0U);
  EXPECT_EQ(count(alike.out, ">popularity<"), 1U) << "a baseline under one protocol stands once";
}

// Models without a recurrence have no section about it, and several runs a chart over time too.
TEST(ReportCommand, ShowsModelsOfAnyKind) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  const std::string tiny =
      " -q --hidden 8 --max-length 6 --batch-size 16 --validate-every 5 --max-steps 10 --log-every 1";
  for (const std::string model : {"gru4rec", "fism"}) {
    ASSERT_EQ(run_lrurec(folder, "train d.lrd --model " + model + tiny + " -o " + model).code, 0);
  }
  const std::string section = "What the recurrence remembers", over_time = "Over seconds of training";
  ASSERT_EQ(run_lrurec(folder, "report gru4rec fism -o without.html").code, 0);
  const auto without = browse(folder, "without.html");
  EXPECT_FALSE(console_has_errors(without.err)) << without.err;
  EXPECT_EQ(without.out.find(section + "</h2>"), std::string::npos);
  EXPECT_NE(without.out.find(over_time), std::string::npos);
  ASSERT_EQ(run_lrurec(folder, "evaluate gru4rec").code, 0);
  ASSERT_EQ(run_lrurec(folder, "report gru4rec -o single.html").code, 0);
  const auto single = browse(folder, "single.html");
  EXPECT_FALSE(console_has_errors(single.err)) << single.err;
  EXPECT_NE(single.out.find("<small>test Recall@10</small>"), std::string::npos);
  ASSERT_EQ(run_lrurec(folder, "report gru4rec run -o with.html").code, 0);
  const auto with = browse(folder, "with.html");
  EXPECT_FALSE(console_has_errors(with.err)) << with.err;
  EXPECT_NE(with.out.find(section + "</h2>"), std::string::npos);
}

// Regression: only steps that have a line in the log were counted, so a round before the first line was at 0
// seconds.
TEST(ReportCommand, StepsBetweenLinesOfTheLogTakeTime) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  ASSERT_EQ(run_lrurec(folder, "report run -o page.html").code, 0);
  std::ofstream(folder / "page.html", std::ios::app) << R"(<script>
    const points = overSeconds({ training: [{ step: 10, step_seconds: 2 }, { step: 20, step_seconds: 3 }],
                                 validation: [0, 5, 10, 15, 25].map((step) => ({ step, m: 1 })) }, "m");
    document.body.append("seconds: " + points.map((point) => point.x).join(" "));
  </script>)";
  const auto page = browse(folder, "page.html");
  EXPECT_FALSE(console_has_errors(page.err)) << page.err;
  EXPECT_NE(page.out.find("seconds: 0 10 20 35 65<"), std::string::npos);
}

TEST(ReportCommand, FitsAPhone) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  ASSERT_EQ(run_lrurec(folder, "evaluate run").code, 0);
  ASSERT_EQ(run_lrurec(folder, "report run").code, 0);
  EXPECT_EQ(test::overflow_on_a_phone(folder, "run/report.html"), "");
}

}  // namespace
}  // namespace lrurec
