#include "lrurec/report/report.h"

#include <gtest/gtest.h>

#include "lrurec/train/trainer.h"
#include "tests/support/data.h"
#include "tests/support/files.h"
#include "tests/support/trained.h"

namespace lrurec::report {
namespace {

using test::TemporaryFolder;

config::TrainConfig tiny() {
  config::TrainConfig config = test::tiny_config();
  config.validate_every = 2;
  config.max_steps = 4;
  config.log_every = 1;
  return config;
}

train::RunFolder make_run(const std::filesystem::path& path) {
  const auto data = test::small_demo();
  const auto run = train::RunFolder::create(path);
  run.write_config(tiny());
  run.write_description({{"command", "by a test"}, {"data", "nowhere.lrd"}});
  train::Trainer(tiny(), data, run).run();
  return run;
}

TEST(Report, SaysWhatTheRunHasWithoutItsData) {
  const TemporaryFolder folder;
  const auto run = make_run(folder / "a");
  const nlohmann::json found = describe(run);
  EXPECT_EQ(found["name"], "a");
  EXPECT_EQ(found["about"]["command"], "by a test");
  EXPECT_EQ(found["progress"]["step"], 4);
  EXPECT_EQ(found["training"].size(), 4U);
  EXPECT_EQ(found["validation"].size(), 3U);
  EXPECT_EQ(found["evaluations"].size(), 0U);
  ASSERT_EQ(found["eigenvalues"].size(), 2U);
  for (const auto& block : found["eigenvalues"]) {
    EXPECT_EQ(block["trained"].size(), 12U);
    EXPECT_EQ(block["initial"].size(), 12U);
    EXPECT_NE(block["trained"], block["initial"]);
  }
  EXPECT_EQ(found["settings"].size(), config::settings_of(config::TrainConfig{}).size());
  EXPECT_LT(found["settings"].size(), config::settings().size()) << "without those of other models";

  run.write_evaluation("test", {{"metrics", {{"LRURec", {{"Recall@10", 0.5}}}}}});
  EXPECT_EQ(describe(run)["evaluations"]["test"]["metrics"]["LRURec"]["Recall@10"], 0.5);

  // An evaluation made before better weights came says so.
  const std::int64_t best = found["progress"]["best_step"];
  for (const std::int64_t step : {best, best + 1}) {
    run.write_evaluation("test", {{"step", step}, {"metrics", nlohmann::json::object()}});
    const auto evaluation = describe(run)["evaluations"]["test"];
    EXPECT_EQ(evaluation.contains("best_step"), step != best) << evaluation;
  }
  // So does an evaluation of an earlier last.ckpt. For previous.ckpt nothing is said, since its step then is
  // not known.
  run.write_evaluation("test-previous", {{"step", 1}, {"metrics", nlohmann::json::object()}});
  for (const std::int64_t step : {3, 4}) {
    run.write_evaluation("test-last", {{"step", step}, {"metrics", nlohmann::json::object()}});
    const auto evaluations = describe(run)["evaluations"];
    EXPECT_EQ(evaluations["test-last"].value("last_step", 0), step == 4 ? 0 : 4) << evaluations;
    EXPECT_FALSE(evaluations["test-last"].contains("best_step"));
    EXPECT_EQ(evaluations["test-previous"].size(), 2U) << evaluations;
  }
}

TEST(Report, ImportedWeightsHaveNoBefore) {
  const TemporaryFolder folder;
  const auto run = make_run(folder / "a");
  run.write_description({{"command", "by a test"}, {"imported_from", "w.safetensors"}});
  EXPECT_FALSE(describe(run)["eigenvalues"][0].contains("initial"));
}

TEST(Report, TextOfARunCannotBecomeMarkup) {
  nlohmann::json run{{"name", "</title><script>alert(1)</script>&"},
                     {"about", {{"command", "</script>{{style}}"}}}};
  const std::string html = page({run});
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_EQ(html.find("</script>{{style}}"), std::string::npos);
  EXPECT_NE(html.find("\\u003c/script>{{style}}"), std::string::npos);
}

TEST(Report, PageNeedsNothingElse) {
  const std::string html = page({{{"name", "a"}}});
  EXPECT_EQ(html.find("{{"), std::string::npos) << html.substr(html.find("{{"), 80);
  for (const char* outside : {"<link", "src=\"", "@import", "url("}) {
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  }
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(html.find("Chart.js v"), std::string::npos);
}

TEST(RunFolder, MetricsAsATable) {
  const TemporaryFolder folder;
  make_run(folder / "a");
  const std::string text = test::read_text(folder / "a" / "metrics.csv");
  EXPECT_TRUE(text.starts_with("step,split,MRR@1,")) << text.substr(0, 80);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 4 + 3);
  const auto commas = [](const std::string& line) { return std::count(line.begin(), line.end(), ','); };
  std::istringstream in(text);
  std::string header;
  std::getline(in, header);
  const auto lines = train::RunFolder::open(folder / "a").log_lines();
  std::size_t row = 0;
  for (std::string line; std::getline(in, line); ++row) {
    EXPECT_EQ(commas(line), commas(header)) << line;
    ASSERT_LT(row, lines.size());
    std::istringstream names(header), cells(line + ',');
    for (std::string name, cell; std::getline(names, name, ',') && std::getline(cells, cell, ',');) {
      const auto found = lines[row].find(name);
      if (found == lines[row].end() || found->is_null()) {
        EXPECT_EQ(cell, "") << name << " of " << line;
      } else if (found->is_string()) {
        EXPECT_EQ(cell, found->get<std::string>()) << name;
      } else {
        EXPECT_EQ(std::stod(cell), found->get<double>()) << name << " of " << line;
      }
    }
  }
}

}  // namespace
}  // namespace lrurec::report
