// lrurec inspect and explain.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/runs.h"

namespace lrurec {
namespace {

using test::make_run;
using test::run_lrurec;
using test::TemporaryFolder;

TEST(InspectCommand, TellsParametersEigenvaluesAndMemory) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto summary = run_lrurec(folder, "inspect summary run");
  ASSERT_EQ(summary.code, 0) << summary.err;
  EXPECT_NE(summary.out.find("blocks.1.lru.nu_log"), std::string::npos) << summary.out;
  EXPECT_NE(summary.out.find("LRURec, step 10; 40 items; hidden = 8, channels = 12, blocks = 2"),
            std::string::npos)
      << summary.out;

  const auto eigen = run_lrurec(folder, "inspect eigen run --json");
  ASSERT_EQ(eigen.code, 0) << eigen.err;
  const auto blocks = nlohmann::json::parse(eigen.out);
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[0]["lambda"].size(), 12U);
  EXPECT_FALSE(blocks[0].contains("published_mean_abs")) << "the paper has no data set of 40 items";
  EXPECT_EQ(blocks[0]["means"].size(), 7U);
  const std::string text = run_lrurec(folder, "inspect eigen run").out;
  EXPECT_NE(text.find("half-life"), std::string::npos);
  EXPECT_NE(text.find("mean nu = -ln |lambda|"), std::string::npos) << text;
  EXPECT_EQ(text.find("nearest to the paper"), std::string::npos) << text;

  const auto memory = run_lrurec(folder, "inspect memory run --items i3,nope,i5,i7 --score i1 --json");
  ASSERT_EQ(memory.code, 0) << memory.err;
  EXPECT_NE(memory.err.find("left out: nope"), std::string::npos) << memory.err;
  const auto json = nlohmann::json::parse(memory.out);
  EXPECT_EQ(json["candidate"], "i1");
  ASSERT_EQ(json["items"].size(), 3U);
  double sum = 0;
  for (const auto& item : json["items"]) sum += item["share"][0].get<double>();
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(json["items"][0]["item"], "i3");
  EXPECT_EQ(json["items"][0]["ago"], 2);
  // The score is that of recommend.
  const auto best =
      nlohmann::json::parse(run_lrurec(folder, "recommend run --items i3,i5,i7 -k 40 --json").out);
  for (const auto& item : best["items"]) {
    if (item["item"] == "i1") {
      EXPECT_NEAR(item["score"].get<double>(), json["score"].get<double>(), 1e-5);
    }
  }
}

// The last six items are read, and one more where one of them is left out.
TEST(InspectCommand, AScoreChangeIsTheDifferenceOfTheScoresOfTwoHistories) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto memory = [&](const std::string& items, const std::string& more) {
    const auto result = run_lrurec(folder, "inspect memory run --score i20 --items " + items + more);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  };
  const auto whole = nlohmann::json::parse(memory("i1,i2,i3,i4,i5,i6,i7,i8,i9,i10,i11", " --json")),
             without = nlohmann::json::parse(memory("i1,i2,i3,i4,i5,i6,i7,i9,i10,i11", " --json"));
  ASSERT_EQ(whole["items"].size(), 6U);
  EXPECT_EQ(whole["items"][2]["item"], "i8");
  EXPECT_NEAR(whole["items"][2]["score_change"].get<double>(),
              whole["score"].get<double>() - without["score"].get<double>(), 1e-6);
  EXPECT_NE(memory("i1,i2,i3,i4,i5,i6,i7", "").find("an older one is read in its place"), std::string::npos);
  EXPECT_EQ(memory("i1,i2,i3,i4,i5,i6", "").find("an older one"), std::string::npos);
}

// A first state's input is the item alone only if nothing mixed items before the recurrence.
TEST(InspectCommand, MarksSharesThatAreApproximate) {
  const TemporaryFolder folder;
  make_run(folder);
  make_run(folder, "mixed", " --backbone gated-lru");
  const auto heading = [&](const std::string& run) {
    const std::string out = run_lrurec(folder, "inspect memory " + run + " --items i3,i5").out;
    return out.substr(0, out.find('\n'));
  };
  EXPECT_EQ(heading("run").find("state 1 (*)"), std::string::npos) << heading("run");
  EXPECT_NE(heading("run").find("state 2 (*)"), std::string::npos) << heading("run");
  EXPECT_NE(heading("mixed").find("state 1 (*)"), std::string::npos) << heading("mixed");
}

TEST(InspectCommand, ShowsTheForwardPassLineByLine) {
  const TemporaryFolder folder;
  make_run(folder);
  make_run(folder, "mixed", " --backbone gated-lru");
  const auto forward = run_lrurec(folder, "inspect forward run --items i3,i5,i7,i9 --json");
  ASSERT_EQ(forward.code, 0) << forward.err;
  const auto json = nlohmann::json::parse(forward.out);
  EXPECT_EQ(json["items"], nlohmann::json({"i3", "i5", "i7", "i9"}));
  EXPECT_EQ(json["steps"][2]["rows"][0].size(), 12U) << "complex channels";
  EXPECT_EQ(json["steps"][2]["rows"][0][0].size(), 2U);
  // The last row of scores is that of recommend.
  const auto& scores = json["steps"].back();
  EXPECT_EQ(scores["place"], "eq. 10");
  ASSERT_EQ(scores["rows"].size(), 4U);
  std::vector<double> sorted = scores["rows"][3].get<std::vector<double>>();
  sorted.erase(sorted.begin());  // the start token's
  std::sort(sorted.rbegin(), sorted.rend());
  const auto best = nlohmann::json::parse(
      run_lrurec(folder, "recommend run --items i3,i5,i7,i9 --include-seen -k 3 --json").out);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(best["items"][i]["score"].get<double>(), sorted[i], 1e-4);
  const auto shown = run_lrurec(folder, "inspect forward run --items i3,i5,i7,i9");
  EXPECT_NE(shown.out.find("u = γ (B x + b)"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("after i9"), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find("after i3"), std::string::npos) << "the last three only: " << shown.out;
  EXPECT_NE(shown.out.find("seen items included: " + best["items"][0]["item"].get<std::string>() + " "),
            std::string::npos)
      << shown.out;
  const auto mixed = run_lrurec(folder, "inspect forward mixed --items i3");
  EXPECT_EQ(mixed.code, 2);
  EXPECT_NE(mixed.err.find("its backbone is not the LRU"), std::string::npos) << mixed.err;
}

TEST(InspectCommand, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  make_run(folder);
  EXPECT_EQ(run_lrurec(folder, "inspect memory run").code, 2);
  EXPECT_EQ(run_lrurec(folder, "inspect memory run --user nobody").code, 3);
  EXPECT_EQ(run_lrurec(folder, "inspect memory run --items nope").code, 3);
  EXPECT_EQ(run_lrurec(folder, "inspect memory run --items i1 --score nope").code, 3);
  EXPECT_EQ(run_lrurec(folder, "inspect eigen nowhere").code, 5);
  EXPECT_EQ(run_lrurec(folder, "inspect scan --lambda 1,2,3").code, 2);
  for (const char* bad : {"--x ''", "--x 1,nan", "--lambda ''", "--lambda inf", "--lambda 0.5,nan"}) {
    EXPECT_EQ(run_lrurec(folder, std::string("inspect scan ") + bad).code, 2) << bad;
  }
}

TEST(InspectCommand, ShowsTheScanStepByStep) {
  const TemporaryFolder folder;
  const auto scan = run_lrurec(folder, "inspect scan --x 1,2,3,4 --lambda 0.5");
  ASSERT_EQ(scan.code, 0) << scan.err;
  EXPECT_NE(scan.out.find("join 2 + 2     1  2.5  4.25  6.125"), std::string::npos) << scan.out;
  EXPECT_NE(scan.out.find("one by one     1  2.5  4.25  6.125"), std::string::npos) << scan.out;
  EXPECT_EQ(scan.out.find("zero"), std::string::npos) << scan.out;
  const std::string two = run_lrurec(folder, "inspect scan --x 1,2").out;
  EXPECT_NE(two.find("1 round instead of 1 multiply-add one after the other"), std::string::npos) << two;
  const std::string one = run_lrurec(folder, "inspect scan --x 7").out;
  EXPECT_NE(one.find("there is nothing to compute"), std::string::npos) << one;
  const auto five = run_lrurec(folder, "inspect scan --x 1,2,3,4,5");
  EXPECT_NE(five.out.find("3 zeros are thought of before h1, so that there are 8; they add nothing."),
            std::string::npos)
      << five.out;
}

TEST(ExplainCommand, LeadsToTheLinesOfCodeAndTests) {
  const TemporaryFolder folder;
  EXPECT_NE(run_lrurec(folder, "explain").out.find("algorithm 1"), std::string::npos);
  for (const char* topic : {"eq 5", "eq. 5", "5", "Equation 5"}) {
    EXPECT_NE(run_lrurec(folder, std::string("explain ") + topic).out.find("Lambda = exp(-exp(nu_log)"),
              std::string::npos)
        << topic;
  }
  const auto names = nlohmann::json::parse(run_lrurec(folder, "explain --json").out);
  ASSERT_GE(names.size(), 13U);
  const std::regex place(R"(([\w/]+\.(?:cpp|h)):(\d+): (?:\w+[:.]+)*(\w+))");
  std::set<std::string> differences;
  for (const auto& name : names) {
    const auto topic =
        nlohmann::json::parse(run_lrurec(folder, "explain --json " + name.get<std::string>()).out);
    EXPECT_GE(topic["code"].size(), 1U) << topic;
    EXPECT_GE(topic["tests"].size(), 1U) << topic;
    for (const auto& difference : topic["differences"]) differences.insert(difference["paper"]);
    for (const char* kind : {"code", "tests"}) {
      for (const auto& entry : topic[kind]) {
        const std::string text = entry.get<std::string>();
        std::smatch found;
        ASSERT_TRUE(std::regex_match(text, found, place)) << text;
        // The named line has the name.
        std::istringstream file(test::read_text(test::source_folder() / found[1].str()));
        std::string line;
        for (int i = std::stoi(found[2]); i > 0; --i) std::getline(file, line);
        EXPECT_NE(line.find(found[3]), std::string::npos) << text << ": " << line;
      }
    }
  }
  // Regression: rows that did not begin with a topic's name were found under no topic.
  const std::string map = test::read_text(test::source_folder() / "docs/paper-map.md");
  const std::regex row(R"(\n\| \d+ \|)");
  EXPECT_EQ(differences.size(),
            std::distance(std::sregex_iterator(map.begin(), map.end(), row), std::sregex_iterator()));
  EXPECT_EQ(nlohmann::json::parse(run_lrurec(folder, "explain eq 5 --json").out)["differences"].size(), 2U);
  EXPECT_EQ(nlohmann::json::parse(run_lrurec(folder, "explain eq 1 --json").out)["differences"].size(), 1U);
  const auto section = run_lrurec(folder, "explain section 5.1").out;
  EXPECT_NE(section.find("see also\n  section 5.1, training\n  section 5.1, baselines\n"), std::string::npos)
      << section;
  for (const char* topic : {"fig 1", "Fig. 2", "figure 3", "figure4", "alg 1", "table6", "tab. 1",
                            "'eq. (5)'", "sec 3.2", "section 3.3"})
    EXPECT_EQ(run_lrurec(folder, std::string("explain ") + topic).code, 0) << topic;
  const auto unknown = run_lrurec(folder, "explain algoritm 1");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("did you mean 'algorithm 1'"), std::string::npos) << unknown.err;
}

// Regression: only the files with functions were kept of the code column, so equation 2 led only to its
// residual.
TEST(ExplainCommand, HasTheWordsOfTheMapWithoutItsMarks) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& topic, const std::string& text) {
    const std::string out = run_lrurec(folder, "explain " + topic).out;
    EXPECT_TRUE(std::regex_search(out, std::regex(text))) << out;
    EXPECT_EQ(out.find_first_of("`[]"), std::string::npos) << out;
  };
  expect("eq 2", R"(computed in\n  nn/lru\.cpp:\d+: LRU::forward_composed, where A is diagonal\n)"
                 R"(  D is the identity, the residual in lrurec/model/recurrent_block\.cpp:\d+: Rec)");
  expect("eq 4", R"(  fused: ops/lru/lru\.cpp:\d+: lru\n)");
  expect("eq 8", R"(  outer GELU: outer_gelu in lrurec/model/recurrent_block\.cpp\n)");
  expect("eq 8",
         "paper: eq\\. 8 has an outer GELU; published code: none; here: none; --outer-gelu true adds it\n");
  expect("table 6", R"(  layer_norm, residual, pffn, blocks of lrurec/model/config\.h\n)");
  expect("table 5", R"(its numbers fit nu = -ln \|lambda\| \(docs/results\.md, table 5\))");
}

}  // namespace
}  // namespace lrurec
