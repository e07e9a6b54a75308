// The paper's numbers as data, and what is trained for them.

#include "lrurec/reproduce/paper.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lrurec/reproduce/plan.h"
#include "tests/support/files.h"

namespace lrurec::reproduce {
namespace {

TEST(Paper, EveryTableHasANumberForEveryRowDataSetAndMetric) {
  EXPECT_EQ(artifact_names(), (std::vector<std::string>{"table2", "table3", "table4", "table5", "table6",
                                                        "figure1", "figure4"}));
  for (const auto& artifact : paper().artifacts) {
    EXPECT_FALSE(artifact.title.empty());
    for (const auto& data : artifact.data) EXPECT_NE(paper().find_data(data), nullptr) << data;
    if (artifact.kind == Kind::statistics || artifact.kind == Kind::efficiency) continue;
    for (const auto& data : artifact.data) {
      EXPECT_EQ(artifact.values.at(data).size(), artifact.variants.size()) << artifact.name << " " << data;
      for (const auto& variant : artifact.variants) {
        const auto& values = artifact.values.at(data).at(variant.name);
        ASSERT_EQ(values.size(), artifact.metrics.size()) << artifact.name << " " << variant.name;
        for (const double value : values) EXPECT_TRUE(value > 0 && value < 1);
      }
    }
  }
}

// What must hold of any ranking catches most misprints: NDCG@10 < NDCG@20, Recall@10 < Recall@20, NDCG <
// Recall.
TEST(Paper, ItsMetricsAreThoseOfRankings) {
  for (const char* table : {"table3", "table4", "table6"}) {
    for (const auto& [data, rows] : find_artifact(table).values) {
      for (const auto& [variant, v] : rows) {
        EXPECT_TRUE(v[0] < v[1] && v[2] < v[3] && v[0] < v[2] && v[1] < v[3])
            << table << " " << data << " " << variant;
      }
    }
  }
}

// "1.32% average improvements on ML-1M", "4.39%" over all data sets (section 5.2), from the numbers as read.
TEST(Paper, ItsImprovementsFollowFromItsNumbers) {
  const auto& table = find_artifact("table3");
  const std::map<std::string, std::vector<double>> printed{{"ml-1m", {4.22, 2.52, 3.06, .08}},
                                                           {"beauty", {5.86, 4.61, 4.78, 2.81}},
                                                           {"video", {6.33, 6.13, .76, .39}},
                                                           {"sports", {17.43, 14.86, 5.39, 4.24}},
                                                           {"steam", {2.59, 2.53, 1.86, 1.96}}};
  for (const auto& [data, percents] : printed) {
    for (std::size_t m = 0; m < 4; ++m) {
      double best = 0;
      for (const auto& [variant, v] : table.values.at(data)) {
        if (variant != "lrurec") best = std::max(best, v[m]);
      }
      const double improvement = 100 * (table.values.at(data).at("lrurec")[m] / best - 1);
      EXPECT_NEAR(improvement, percents[m], .035) << data << " " << table.metrics[m];
    }
  }
}

TEST(Paper, ItsTrainingsAreThoseOfThePresets) {
  const auto& beauty = *paper().find_data("beauty");
  const auto& ablations = find_artifact("table6");
  const auto plain = training(beauty, *ablations.find("lrurec"));
  EXPECT_EQ(plain, config::preset("beauty"));
  EXPECT_FALSE(training(beauty, *ablations.find("no-residual")).residual);
  EXPECT_FALSE(training(beauty, *ablations.find("no-layer-norm")).layer_norm);
  EXPECT_FALSE(training(beauty, *ablations.find("no-pffn")).pffn);
  EXPECT_EQ(training(beauty, *ablations.find("one-block")).blocks, 1);
  EXPECT_EQ(training(beauty, *ablations.find("rwkv")).backbone, "rwkv");
  const auto long_range = training(*paper().find_data("xlong"), *find_artifact("table4").find("sasrec"));
  EXPECT_EQ(long_range.model, "sasrec");
  EXPECT_EQ(long_range.negatives, 100);
  EXPECT_EQ(long_range.positions_from, "end");
  EXPECT_EQ(find_artifact("figure4").find("weight_decay=1")->settings.at("weight_decay"), "1");
  try {
    find_artifact("tabel3");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'table3'?"), std::string::npos) << e.what();
  }
}

TEST(Paper, ItsEigenvaluesAreToldForItsDataSetsAlone) {
  EXPECT_EQ(published_mean_abs(3416), (std::vector<double>{.3927, .4216}));
  EXPECT_TRUE(published_mean_abs(3417).empty());
}

// One training serves every table that has it.
TEST(ReproductionPlanCommand, TrainingsAreShared) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(
      test::run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8")
          .code,
      0);
  const DataFile file = open_data(*paper().find_data("ml-1m"), folder / "d.lrd");
  EXPECT_FALSE(file.is_the_papers());
  const auto folders = [&](const char* artifact) {
    std::vector<std::string> names;
    for (const auto& run : make_plan(find_artifact(artifact), {file}, {.output = "out"}).runs) {
      names.push_back(run.folder.string());
    }
    return names;
  };
  const std::string plain = "out/runs/ml-1m/lrurec/seed=1";
  for (const char* artifact : {"table3", "table5", "table6", "figure1", "figure4"}) {
    EXPECT_EQ(std::ranges::count(folders(artifact), plain), 1) << artifact;
  }
  // Both axes of figure 4 have the preset's own value: 5 + 5 cells, 9 trainings.
  EXPECT_EQ(folders("figure4").size(), 9U);
  const auto one = folders("table6");
  EXPECT_EQ(std::ranges::count(one, "out/runs/ml-1m/lrurec,blocks=1/seed=1"), 1);
}

TEST(ReproductionPlan, GeneratedDataHaveTheShapeOfXLong) {
  const auto data = make_xlong(0.0005);
  EXPECT_EQ(data.users(), 35);
  const auto s = data::statistics(data);
  EXPECT_NEAR(s.mean_length, 958.8, 2);
  EXPECT_EQ(s.items, data.items());
}

}  // namespace
}  // namespace lrurec::reproduce
