// The scan of the page of lrurec explore, stepped through in a browser, where there is one.

#include <nlohmann/json.hpp>

#include "tests/support/explored.h"

namespace lrurec {
namespace {

using nlohmann::json;
using test::make_run;
using test::no_browser;
using test::output_of;
using test::play;
using test::TemporaryFolder;

// The three algorithms reach the numbers of inspect scan, with the work and depth they are known for;
// backward, they are the gradients: dh_t = dy_t + conj(lambda) dh_(t+1).
TEST(ExploreCommand, TheScanIsSteppedThrough) {
  const TemporaryFolder folder;
  if (no_browser(folder)) GTEST_SKIP() << "no chromium here (tools/setup.sh --ci installs it)";
  make_run(folder);
  const json played = play(folder, "run", R"js(
  const counters = () => Object.fromEntries(all(".scan").map((f) => [f.dataset.algorithm, f.querySelector(".counters").textContent]));
  const through = () => { for (let i = 0; !$("#scan-next").disabled && i < 99; ++i) $("#scan-next").click(); };
  through();
  result.eight = counters();
  result.said = $("#scan-message").textContent;
  give($("#scan-x"), "1, 0, -2, 3, 0.5, 7");
  give($("#scan-re"), 0.6);
  give($("#scan-im"), 0.5);
  result.again = counters();
  through();
  const shown = (id) => all(`[data-algorithm=${id}] text`).slice(-6).map((t) => t.textContent);
  result.shown = ["sequential", "recursive", "chunked"].map(shown);
  result.read = $("[data-algorithm=recursive] svg").getAttribute("aria-label");
  result.padding = $("#scan-message").textContent;
  result.backward = [];
  for (const make of [sequentialRounds, recursiveRounds, (l, x) => chunkedRounds(l, x, 4)]) {
    const x = [1, 0, -2, 3, 0.5, 7].map((v) => [v, 0]);
    result.backward.push(reversed(make, [0.6, 0.5], x).at(-1).values);
    (result.forward ||= []).push(make([0.6, 0.5], x).at(-1).values);
  }
  result.numbers = [100.25, 1, 0.5, 199.5, 1e7, 0.0001].map(shortNumber);
  give($("#scan-chunk"), -4);
  through();
  result.least = counters().chunked;
  give($("#scan-x"), "one, two");
  result.refused = $("#scan-message").textContent;
  give($("#scan-x"), "1, , 3");
  result.gap = $("#scan-message").textContent;
  give($("#scan-x"), "7");
  result.one = $("#scan-message").textContent;
  give($("#scan-re"), "");
  result.empty = $("#scan-message").textContent;
  )js");
  EXPECT_EQ(played["eight"]["sequential"], "depth 7 of 7 · work 7 of 7");
  EXPECT_EQ(played["eight"]["recursive"], "depth 3 of 3 · work 12 of 12");
  EXPECT_EQ(played["eight"]["chunked"], "depth 5 of 5 · work 10 of 10");
  EXPECT_NE(played["said"].get<std::string>().find("All three"), std::string::npos);
  EXPECT_EQ(played["again"]["sequential"], "depth 0 of 5 · work 0 of 5");
  EXPECT_EQ(played["shown"][0], played["shown"][1]);
  EXPECT_EQ(played["shown"][0], played["shown"][2]);
  std::string last_row;
  for (const auto& number : played["shown"][1])
    last_row += (last_row.empty() ? "" : ", ") + number.get<std::string>();
  EXPECT_EQ(played["read"], "Algorithm 1 after 3 of 3 rounds: " + last_row);
  EXPECT_NE(played["padding"].get<std::string>().find("2 zeros are thought of before h1"), std::string::npos)
      << played["padding"];
  for (const char* what : {"refused", "gap", "empty"}) {
    EXPECT_NE(played[what].get<std::string>().find("sixteen numbers"), std::string::npos) << played[what];
  }
  EXPECT_NE(played["one"].get<std::string>().find("nothing to compute"), std::string::npos) << played["one"];

  EXPECT_EQ(played["numbers"], json::parse(R"(["100", "1", "0.5", "200", "10000000", "0.0001"])"));
  EXPECT_EQ(played["least"], "depth 5 of 5 · work 5 of 5") << "a chunk has one number at least";

  const auto expect_near = [](const json& values, const json& expected) {
    for (std::size_t t = 0; t < expected.size(); ++t) {
      for (std::size_t part : {0, 1}) {
        EXPECT_NEAR(values[t][part].get<double>(), expected[t][part].get<double>(), 1e-9) << "position " << t;
      }
    }
  };
  const json scan = output_of(folder, "inspect scan --json --lambda 0.6,0.5 --x 1,0,-2,3,0.5,7");
  json mirrored = output_of(folder, "inspect scan --json --lambda 0.6,-0.5 --x 7,0.5,3,-2,0,1")["sequential"];
  std::reverse(mirrored.begin(), mirrored.end());
  for (std::size_t i : {0, 1, 2}) {
    expect_near(played["forward"][i], scan["sequential"]);
    expect_near(played["backward"][i], mirrored);
  }
}

}  // namespace
}  // namespace lrurec
