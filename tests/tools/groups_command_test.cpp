// Metrics by groups of users, of one run and of the difference between two.

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::TemporaryFolder;

void train_grouped_demo(const TemporaryFolder& folder, const std::string& run, const std::string& settings) {
  if (!std::filesystem::exists(folder / "d.lrd")) {
    ASSERT_EQ(
        run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code,
        0);
  }
  const auto trained = run_lrurec(folder, "train d.lrd -o " + run +
                                              " --hidden 8 --channels 12 --max-length 6 --batch-size 16 "
                                              "--validate-every 5 --max-steps 5" +
                                              settings);
  ASSERT_EQ(trained.code, 0) << trained.err;
}

/// The mean over all users of what groups have of a metric, by path.
double mean_of_groups(const nlohmann::json& groups, const nlohmann::json::json_pointer& metric) {
  double sum = 0, users = 0;
  for (const auto& group : groups) {
    sum += group.at(metric).get<double>() * group.at("users").get<double>();
    users += group.at("users").get<double>();
  }
  EXPECT_EQ(users, 60);
  return sum / users;
}

TEST(GroupsCommand, EvaluatesGroupsWhoseMeanIsTheWhole) {
  const TemporaryFolder folder;
  train_grouped_demo(folder, "run", "");
  const auto json =
      nlohmann::json::parse(run_lrurec(folder, "evaluate run --by history,popularity --json").out);
  for (const std::string by : {"history", "popularity"}) {
    const auto& groups = json.at("by").at(by);
    EXPECT_GT(groups.size(), 2u);
    for (const std::string row : {"LRURec", "popularity", "last-item Markov"}) {
      const nlohmann::json::json_pointer metric("/metrics/" + row + "/NDCG@10");
      EXPECT_NEAR(mean_of_groups(groups, metric), json.at(metric).get<double>(), 1e-12) << by << " " << row;
    }
  }
  const auto text = run_lrurec(folder, "evaluate run --by popularity").out;
  EXPECT_NE(
      text.find("target's interactions in training  users  Recall@10  NDCG@10  last-item Markov NDCG@10"),
      std::string::npos)
      << text;
  EXPECT_EQ(text.find("items before the target"), std::string::npos) << text;
  const auto sampled = run_lrurec(folder, "evaluate run --by history --eval-negatives 5").out;
  EXPECT_NE(sampled.find("users  sampled Recall@10"), std::string::npos) << sampled;

  const auto unknown = run_lrurec(folder, "evaluate run --by age");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("there are history and popularity"), std::string::npos) << unknown.err;
}

TEST(GroupsCommand, ComparesGroupsWhoseMeanIsTheWhole) {
  const TemporaryFolder folder;
  train_grouped_demo(folder, "run", "");
  train_grouped_demo(folder, "other", " --seed 2");
  const auto plain = run_lrurec(folder, "compare run other").out;
  EXPECT_EQ(plain.find("users  "), std::string::npos) << plain;
  const auto json = nlohmann::json::parse(run_lrurec(folder, "compare run other --by history --json").out);
  const auto& entry = json.at("runs").at(0);
  for (const std::string value : {"base", "run", "difference"}) {
    const nlohmann::json::json_pointer metric("/metrics/NDCG@10/" + value);
    EXPECT_NEAR(mean_of_groups(entry.at("by").at("history"), metric), entry.at(metric).get<double>(), 1e-12);
  }
  const auto text = run_lrurec(folder, "compare run other --by history --metrics NDCG@10").out;
  EXPECT_NE(text.find("items before the target  users"), std::string::npos) << text;
  const auto groups = entry.at("by").at("history").size();
  EXPECT_NE(text.find(std::to_string(groups + 1) + " tests: where nothing differs"), std::string::npos)
      << text;
  EXPECT_EQ(run_lrurec(folder, "compare run other --by age").code, 2);
}

}  // namespace
}  // namespace lrurec
