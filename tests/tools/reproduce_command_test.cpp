// lrurec reproduce on generated data.

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/pages.h"
#include "tests/support/runs.h"

namespace lrurec {
namespace {

using nlohmann::json;
using test::read_bytes;
using test::read_text;
using test::run_lrurec;
using test::TemporaryFolder;

void make_data(const TemporaryFolder& folder) {
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 80 --demo-items 60 --demo-length 10").code, 0);
}

const json& row_of(const json& outcome, const std::string& variant, const std::string& metric) {
  for (const auto& row : outcome["rows"]) {
    if (row["variant"] == variant && row["metric"] == metric) return row;
  }
  static const json none;
  return none;
}

TEST(ReproduceCommand, SetsTableThreeBesideThePapers) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string command =
      "reproduce table3 --only lrurec,sasrec,gru4rec --max-steps 200 --data ml-1m=d.lrd -o out";
  const auto plan = run_lrurec(folder, command + " --dry-run");
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_NE(plan.out.find("3 of 3 trainings to be made"), std::string::npos) << plan.out;
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));

  const auto made = run_lrurec(folder, command);
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(made.err.find("its numbers are of other data"), std::string::npos) << made.err;
  const json outcome = json::parse(read_text(folder / "out/table3.json"));
  ASSERT_EQ(outcome["rows"].size(), 12U);
  for (const std::string model : {"gru4rec", "sasrec", "lrurec"}) {
    const std::string run = "out/runs/ml-1m/" + model + "/seed=1";
    const json test = json::parse(read_text(folder / (run + "/evaluation-test.json")));
    const json& row = row_of(outcome, model, "NDCG@10");
    const std::string title = row["title"];
    EXPECT_EQ(row["value"], test["metrics"][title]["NDCG@10"]) << model;
    EXPECT_EQ(row["interval"], test["intervals"][title]["NDCG@10"]) << model;
    EXPECT_NEAR(row["difference_percent"].get<double>(),
                100 * (row["value"].get<double>() / row["paper"].get<double>() - 1), 1e-9);
    EXPECT_NE(made.out.find(title), std::string::npos);
  }
  EXPECT_EQ(row_of(outcome, "lrurec", "NDCG@10")["paper"], 0.19065);
  EXPECT_EQ(outcome["data"][0]["protocol"]["users"], 80);

  // The same command trains and tests nothing again. With a further row, only that one is trained.
  const auto before = read_bytes(folder / "out/runs/ml-1m/lrurec/seed=1/checkpoints/last.ckpt");
  const auto more = run_lrurec(
      folder,
      "reproduce table3 --only lrurec,sasrec,gru4rec,fpmc --max-steps 200 --data ml-1m=d.lrd -o out --json");
  ASSERT_EQ(more.code, 0) << more.err;
  EXPECT_NE(more.err.find("3 of 4 runs are there already"), std::string::npos) << more.err;
  EXPECT_EQ(read_bytes(folder / "out/runs/ml-1m/lrurec/seed=1/checkpoints/last.ckpt"), before);
  EXPECT_EQ(json::parse(more.out)["rows"].size(), 16U);
}

TEST(ReproduceCommand, SeveralSeedsHaveADeviation) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string command =
      "reproduce table6 -q --only lrurec,no-pffn --max-steps 5 --seeds 1,2 --data ml-1m=d.lrd -o out";
  const auto made = run_lrurec(folder, command + " --json");
  ASSERT_EQ(made.code, 0) << made.err;
  const json outcome = json::parse(made.out);
  const json& row = row_of(outcome, "no-pffn", "Recall@10");
  ASSERT_EQ(row["values"].size(), 2U);
  EXPECT_NEAR(row["value"].get<double>(),
              (row["values"][0].get<double>() + row["values"][1].get<double>()) / 2, 1e-12);
  EXPECT_TRUE(row.contains("deviation"));
  EXPECT_EQ(row["paper"], 0.29318);
  // Regression: it was called the interval of the mean.
  const std::string tables = run_lrurec(folder, command).out;
  EXPECT_NE(tables.find("95% of users, mean of seeds"), std::string::npos) << tables;
}

TEST(ReproduceCommand, EveryKindHasItsPage) {
  const TemporaryFolder folder;
  make_data(folder);
  struct Case {
    std::string arguments;
    int charts;
  };
  const bool browser = !test::no_browser(folder);
  for (const auto& [arguments, charts] :
       {Case{"table2", 0}, Case{"table3 --only fpmc,lrurec --max-steps 4", 4},
        Case{"table5 --max-steps 4", 2}, Case{"figure1 --only gru4rec --max-steps 4", 3},
        Case{"figure4 --only dropout=0.2,dropout=0.8 --max-steps 4", 2}}) {
    const std::string name = arguments.substr(0, arguments.find(' '));
    const auto made = run_lrurec(folder, "reproduce " + arguments + " -q --data ml-1m=d.lrd -o out");
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_NE(made.out.find("page: out/" + name + ".html"), std::string::npos) << made.out;
    if (!browser) continue;
    // After the charts: what they have on them, and those of events with a further model.
    test::write_text(folder / "page.html",
                     test::with_script(read_text(folder / ("out/" + name + ".html")), R"js(
const shown = (from) => drawings.slice(from).map(({ make }) => make()).map(({ data, options }) =>
  options.scales.x.title.text + ": " + data.datasets.map((set) => set.label + (set.pointStyle ? "" : " without mark")).join()).join("; ");
document.documentElement.dataset.shown = shown(0);
if (kind === "efficiency") {
  variantsInOrder.push("a");
  outcome.rows.push({ variant: "a", title: "A" });
  outcome.incremental.a = outcome.incremental.gru4rec;
  const before = drawings.length;
  incremental();
  document.documentElement.dataset.events = shown(before);
})js"));
    const auto page = test::browse(folder, "page.html");
    EXPECT_FALSE(test::console_has_errors(page.err)) << page.err;
    EXPECT_NE(page.out.find("data-charts=\"" + std::to_string(charts) + "\""), std::string::npos) << name;
    if (name == "table5") {
      EXPECT_NE(page.out.find("data-shown=\"mean |λ|: here,paper; mean |λ|: here,paper\""),
                std::string::npos);
      EXPECT_NE(page.out.find("-ln |lambda|"), std::string::npos);
    }
    if (name == "figure1") {
      EXPECT_NE(page.out.find("data-events=\"events: GRU4Rec,A\""), std::string::npos)
          << "models are not in the order of the curves";
    }
    EXPECT_NE(page.out.find("its numbers are of other data"), std::string::npos) << name;
  }
}

TEST(ReproduceCommand, XLongIsGeneratedAndSaysSo) {
  const TemporaryFolder folder;
  const std::string command = "reproduce table4 --only lrurec --max-steps 1 --share 0.0005 -o out";
  const auto plan = run_lrurec(folder, command + " --dry-run");
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "out")) << "it left the generated data";
  const auto made = run_lrurec(folder, command);
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(made.err.find("XLong cannot be had"), std::string::npos) << made.err;
  EXPECT_NE(made.out.find("generated, not the paper's data"), std::string::npos) << made.out;
  const json outcome = json::parse(read_text(folder / "out/table4.json"));
  EXPECT_TRUE(outcome["data"][0]["generated"].get<bool>());
  EXPECT_TRUE(row_of(outcome, "lrurec", "NDCG@10").contains("value"));
  EXPECT_TRUE(row_of(outcome, "lrurec", "NDCG@10")["sampled"].get<bool>());
  EXPECT_NE(made.out.find("sampled NDCG@10"), std::string::npos) << made.out;
  EXPECT_NE(made.out.find("in the paper among 10,000"), std::string::npos) << made.out;

  if (!test::no_browser(folder)) {
    const auto page = test::browse(folder, "out/table4.html");
    EXPECT_FALSE(test::console_has_errors(page.err)) << page.err;
    EXPECT_NE(page.out.find("sampled NDCG@10"), std::string::npos);
  }

  // An evaluation by hand among other candidates is not taken for the table's.
  const std::string run = json(outcome["runs"][0]["folder"]).get<std::string>();
  ASSERT_EQ(run_lrurec(folder, "evaluate '" + run + "' --eval-negatives 3").code, 0);
  const auto again = run_lrurec(folder, command + " --json");
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(json::parse(again.out)["rows"], outcome["rows"]);
}

// Regression: each of these ended the command as an internal error, after all trainings.
TEST(ReproduceCommand, ATestThatCannotBeUsedIsMadeAgain) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string command =
      "reproduce table3 -q --only lrurec,fpmc --max-steps 4 --data ml-1m=d.lrd -o out --json";
  const auto made = run_lrurec(folder, command);
  ASSERT_EQ(made.code, 0) << made.err;
  const auto file = folder / "out/runs/ml-1m/lrurec/seed=1/evaluation-test.json";
  const std::string whole = read_text(file);
  const auto edited = [&](auto edit) {
    json test = json::parse(whole);
    edit(test);
    return test.dump();
  };
  for (const std::string& text :
       {whole.substr(0, 100), std::string(), std::string("[]"), std::string("{\"step\":\"30\"}"),
        edited([](json& test) { test.erase("protocol"); }),
        edited([](json& test) { test.erase("intervals"); }),
        edited([](json& test) { test["metrics"]["LRURec"]["NDCG@10"] = "high"; })}) {
    test::write_text(file, text);
    const auto again = run_lrurec(folder, command);
    ASSERT_EQ(again.code, 0) << text << again.err;
    EXPECT_EQ(json::parse(again.out)["rows"], json::parse(made.out)["rows"]) << text;
    EXPECT_EQ(read_text(file), whole) << text;
  }
}

// Regression: the seconds were 0, since only steps in the log were counted and these four are in no line of
// it.
TEST(ReproduceCommand, EventsThatCannotBeUsedAreMeasuredAgainAndUnknownSecondsLeftOut) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string command =
      "reproduce figure1 -q --only gru4rec --max-steps 4 --data ml-1m=d.lrd -o out --json";
  for (const std::string text : {"", "", "{\"by_length\": []}"}) {
    if (std::filesystem::exists(folder / "out/figure1")) {
      for (const auto& entry : std::filesystem::directory_iterator(folder / "out/figure1")) {
        if (entry.path().extension() == ".json") test::write_text(entry.path(), text);
      }
    }
    const auto made = run_lrurec(folder, command);
    ASSERT_EQ(made.code, 0) << made.err;
    const json outcome = json::parse(made.out);
    EXPECT_GT(row_of(outcome, "gru4rec", "seconds of 2,048 events")["value"], 0);
    EXPECT_TRUE(row_of(outcome, "gru4rec", "steps to it").contains("value"));
    EXPECT_FALSE(row_of(outcome, "gru4rec", "seconds to it").contains("value"));
    for (const auto& point : outcome["curves"][0]["points"]) EXPECT_FALSE(point.contains("seconds"));
  }
}

// A line of the log covers the steps before it. Regression: steps after the last line were not counted.
TEST(ReproduceCommand, EveryStepHasItsSeconds) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string command =
      "reproduce figure1 -q --only lrurec --max-steps 60 --data ml-1m=d.lrd -o out --json";
  ASSERT_EQ(run_lrurec(folder, command).code, 0);
  std::istringstream log(read_text(folder / "out/runs/ml-1m/lrurec/seed=1/metrics.jsonl"));
  double each = 0;
  for (std::string line; std::getline(log, line);) each = json::parse(line).value("step_seconds", each);
  ASSERT_GT(each, 0);
  const json outcome = json::parse(run_lrurec(folder, command).out);
  EXPECT_DOUBLE_EQ(outcome["runs"][0]["seconds"].get<double>(), 60 * each);
  const json& points = outcome["curves"][0]["points"];
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0]["seconds"], 0);
  EXPECT_DOUBLE_EQ(points[1]["seconds"].get<double>(), 60 * each);
}

// Regression: the seconds were taken for those of one thread, or of a training that ran alone.
TEST(ReproduceCommand, SecondsOfTrainingsThatRanOtherwiseAreToldAsSuch) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string only = " -q --only gru4rec --max-steps 4 --data ml-1m=d.lrd -o out";
  ASSERT_EQ(run_lrurec(folder, "reproduce table3 --threads 2" + only).code, 0);
  const auto two_threads = run_lrurec(folder, "reproduce figure1" + only);
  ASSERT_EQ(two_threads.code, 0) << two_threads.err;
  EXPECT_NE(
      two_threads.out.find(
          "GRU4Rec, seed 1, was trained with 2 threads, not 1; its seconds are those of that training."),
      std::string::npos)
      << two_threads.out;
  EXPECT_EQ(json::parse(read_text(folder / "out/figure1.json"))["runs"][0]["trained"],
            "with 2 threads, not 1");
  const auto as_asked = run_lrurec(folder, "reproduce figure1 --threads 2" + only);
  ASSERT_EQ(as_asked.code, 0) << as_asked.err;
  EXPECT_EQ(as_asked.out.find("was trained"), std::string::npos) << as_asked.out;

  const std::string seeds = only + " --seeds 1,2,3";
  ASSERT_EQ(run_lrurec(folder, "reproduce table3 --jobs 2 --threads 2" + seeds).code, 0);
  const auto beside = run_lrurec(folder, "reproduce figure1 --json --threads 2" + seeds);
  ASSERT_EQ(beside.code, 0) << beside.err;
  const json runs = json::parse(beside.out)["runs"];
  EXPECT_FALSE(runs[0].contains("trained")) << runs[0];
  for (const int later : {1, 2}) EXPECT_EQ(runs[later]["trained"], "beside other trainings");
}

// Regression: the exit code was 0, and the JSON did not tell of the failure.
TEST(ReproduceCommand, ADryRunOfWhatFailsFails) {
  const TemporaryFolder folder;
  make_data(folder);
  const auto plan = run_lrurec(
      folder, "reproduce table3 --only mf --device cuda:9 --data ml-1m=d.lrd -o out --dry-run --json");
  EXPECT_EQ(plan.code, 2) << plan.err;
  EXPECT_NE(plan.err.find("1 of 1 run failed"), std::string::npos) << plan.err;
  const json run = json::parse(plan.out)["runs"][0];
  EXPECT_EQ(run["exit_code"], 2);
  EXPECT_NE(run["error"].get<std::string>().find("while its memory was measured: "), std::string::npos)
      << run;
}

// Regression: because of one run the whole table was refused.
TEST(ReproduceCommand, ARunWithoutItsBestCheckpointStopsNoOther) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string command =
      "reproduce table5 -q --max-steps 2 --seeds 1,2 --data ml-1m=d.lrd -o out --json";
  ASSERT_EQ(run_lrurec(folder, command).code, 0);
  std::filesystem::remove(folder / "out/runs/ml-1m/lrurec/seed=1/checkpoints/best.ckpt");
  const auto made = run_lrurec(folder, command);
  EXPECT_EQ(made.code, 5) << made.err;
  EXPECT_NE(made.err.find("1 of 2 runs failed"), std::string::npos) << made.err;
  const json outcome = json::parse(made.out);
  EXPECT_EQ(outcome["rows"][0]["values"].size(), 1U);
  EXPECT_TRUE(outcome["runs"][0].contains("error"));
  // Regression: the one value was compared like a mean of both seeds.
  EXPECT_EQ(outcome["rows"][0]["wanted"], 2);
  EXPECT_TRUE(outcome["rows"][0].contains("paper"));
  EXPECT_FALSE(outcome["rows"][0].contains("difference_percent"));
  const auto tables =
      run_lrurec(folder, "reproduce table5 -q --max-steps 2 --seeds 1,2 --data ml-1m=d.lrd -o out");
  EXPECT_NE(tables.out.find("(1 of 2 seeds)"), std::string::npos) << tables.out;
}

// Regression: it named "the same command", and a dry run claimed that its work was saved.
TEST(ReproduceCommand, AnInterruptionSaysHowToGoOn) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string reproduce = test::command_path() + " reproduce table3 --data ml-1m=d.lrd -o out ";
  const auto stopped = test::run_shell(
      folder, reproduce + "--only lrurec --seeds 1,2 --max-steps 1000000 --jobs 1 & " +
                  test::wait_until("[ -e out/runs/ml-1m/lrurec/seed=1/run.json ]") + "kill -INT $!; wait $!");
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_NE(stopped.err.find("Continue with: lrurec reproduce table3 --data ml-1m=d.lrd -o out --only lrurec "
                             "--seeds 1,2 --max-steps 1000000 --jobs 1\n"),
            std::string::npos)
      << stopped.err;
  const auto dry = test::run_shell(
      folder, reproduce + "--only lrurec,sasrec,gru4rec --seeds 3 --dry-run 2>log & " +
                  test::wait_until("grep -q 'measuring memory' log") + "kill -INT $!; wait $!");
  EXPECT_EQ(dry.code, 130) << read_text(folder / "log");
  EXPECT_NE(read_text(folder / "log").find("interrupted; a dry run keeps nothing\n"), std::string::npos)
      << read_text(folder / "log");
}

TEST(ReproduceCommand, RefusesWhatItCannotDo) {
  const TemporaryFolder folder;
  make_data(folder);
  const auto refused = [&](const std::string& arguments, int code, const std::string& why) {
    const auto result = run_lrurec(folder, "reproduce " + arguments);
    EXPECT_EQ(result.code, code) << arguments;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
  };
  refused("table7 -o out", 2, "did you mean 'table");
  refused("table3 -o out", 2, "--data is required: table3 shows ml-1m, beauty");
  refused("table3 --data ml1m=d.lrd -o out", 2, "did you mean 'ml-1m'?");
  refused("table3 --data d.lrd -o out", 2, "must be NAME=FILE");
  refused("figure1 --data beauty=d.lrd -o out", 2,
          "--data: none of the named data sets is in figure1, which shows ml-1m");
  refused("table3 --data ml-1m=none.lrd -o out", 5, "none.lrd");
  refused("table3 --data ml-1m=d.lrd ml-1m=d.lrd -o out", 2, "--data: ml-1m is named twice");
  refused("table3 --data ml-1m=d.lrd --only lrurek -o out", 2, "did you mean 'lrurec'?");
  refused("table2 --data ml-1m=d.lrd --only lrurec -o out", 2, "nothing to choose from");
  refused("table3 --data ml-1m=d.lrd --only lrurec --seeds 1,1 -o out", 2, "--seeds");
  refused("table3 --data ml-1m=d.lrd --only lrurec --memory '1 MB' -o out", 7, "allow more with --memory");
  EXPECT_NE(run_lrurec(folder, "reproduce table2 --dry-run --data ml-1m=d.lrd -o out")
                .out.find("needs no training"),
            std::string::npos);
  // The existing run has gone further.
  ASSERT_EQ(run_lrurec(folder, "reproduce table5 -q --max-steps 3 --data ml-1m=d.lrd -o far").code, 0);
  refused("table5 --max-steps 2 --data ml-1m=d.lrd -o far", 2,
          "was trained to step 3, further than the 2 asked for");
  // A folder of other data.
  ASSERT_EQ(run_lrurec(folder, "reproduce table5 -q --max-steps 1 --data ml-1m=d.lrd -o out").code, 0);
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o e.lrd --demo-users 50 --demo-items 60 --demo-length 10").code, 0);
  refused("table5 --max-steps 1 --data ml-1m=e.lrd -o out", 2, "was trained on another data set");
}

// Regression: they were replaced.
TEST(ReproduceCommand, TablesAndPagesOfTheUserAreKept) {
  const TemporaryFolder folder;
  make_data(folder);
  const std::string command = "reproduce table2 --data ml-1m=d.lrd -o .";
  for (const std::string name : {"table2.json", "table2.html"}) {
    test::write_text(folder / name, "{\"mine\": 1}");
    const auto refused = run_lrurec(folder, command);
    EXPECT_EQ(refused.code, 2) << name;
    EXPECT_NE(refused.err.find(name + " is there already and does not say that lrurec made it"),
              std::string::npos)
        << refused.err;
    EXPECT_EQ(read_text(folder / name), "{\"mine\": 1}");
    std::filesystem::remove(folder / name);
    EXPECT_FALSE(std::filesystem::exists(folder / "table2.json")) << "nothing is written beside it";
  }
  for (int twice = 0; twice < 2; ++twice) EXPECT_EQ(run_lrurec(folder, command).code, 0);
}

}  // namespace
}  // namespace lrurec
