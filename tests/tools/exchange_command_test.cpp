// lrurec export and import as a user meets them.

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;

void train_demo(const TemporaryFolder& folder) {
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 60 --demo-items 40 --demo-length 8").code, 0);
  ASSERT_EQ(run_lrurec(folder,
                       "train d.lrd -o run -q --hidden 8 --channels 16 --max-length 6 --batch-size 16 "
                       "--validate-every 5 --max-steps 10 --learning-rate 0.01")
                .code,
            0);
}

void expect_exchange_failure(const test::CommandResult& result, int code, const std::string& message) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "") << "nothing on stdout";
}

nlohmann::json evaluated(const TemporaryFolder& folder, const std::string& run) {
  const auto result = run_lrurec(folder, "evaluate " + run + " --json");
  EXPECT_EQ(result.code, 0) << result.err;
  return nlohmann::json::parse(result.out);
}

TEST(ExchangeCommand, AnImportedRunEvaluatesLikeTheExportedOne) {
  const TemporaryFolder folder;
  train_demo(folder);
  const auto expected = evaluated(folder, "run");
  int number = 0;
  for (const char* form : {"", "--names published", "--complex split", "--names published --complex split"}) {
    const std::string n = std::to_string(number++);
    const auto out = run_lrurec(folder, "export run -o w" + n + ".safetensors --json " + form);
    ASSERT_EQ(out.code, 0) << out.err;
    const auto json = nlohmann::json::parse(out.out);
    EXPECT_EQ(json["metadata"]["max_len"], "6");
    EXPECT_EQ(json["bytes"], std::filesystem::file_size(folder / ("w" + n + ".safetensors")));
    const auto in = run_lrurec(folder, "import w" + n + ".safetensors --data d.lrd -o run" + n);
    ASSERT_EQ(in.code, 0) << in.err;
    EXPECT_NE(in.out.find("lrurec evaluate run" + n), std::string::npos) << in.out;
    EXPECT_EQ(evaluated(folder, "run" + n), expected);
    // Weights that came in go out the same.
    ASSERT_EQ(run_lrurec(folder, "export run" + n + " -o again.safetensors --force " + form).code, 0);
    EXPECT_EQ(test::read_bytes(folder / "again.safetensors"),
              test::read_bytes(folder / ("w" + n + ".safetensors")));
  }
  EXPECT_EQ(run_lrurec(folder, "evaluate run0 --checkpoint last").code, 0);
}

TEST(ExchangeCommand, AForeignSuffixIsTold) {
  const TemporaryFolder folder;
  train_demo(folder);
  const auto foreign = run_lrurec(folder, "export run -o w.onnx");
  EXPECT_EQ(foreign.code, 0) << foreign.err;
  EXPECT_NE(foreign.err.find("w.onnx is a safetensors file, whatever its name says"), std::string::npos)
      << foreign.err;
  for (const std::string name : {"w", "w.safetensors"}) {
    EXPECT_EQ(run_lrurec(folder, "export run -o " + name).err, "") << name;
  }
}

TEST(ExchangeCommand, WhatDoesNotFitIsOneClearError) {
  const TemporaryFolder folder;
  train_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "export run -o w.safetensors").code, 0);
  expect_exchange_failure(run_lrurec(folder, "export run -o w.safetensors"), 2, "exists already");
  expect_exchange_failure(run_lrurec(folder, "export none -o v.safetensors"), 5, "none holds no run");
  expect_exchange_failure(run_lrurec(folder, "export run -o v.safetensors --names torch"), 2, "published");

  expect_exchange_failure(run_lrurec(folder, "import w.safetensors --data d.lrd -o run"), 2,
                          "already holds a run; choose another folder with -o\n");
  expect_exchange_failure(run_lrurec(folder, "import none.safetensors --data d.lrd -o new"), 5,
                          "none.safetensors");
  expect_exchange_failure(run_lrurec(folder, "import d.lrd --data d.lrd -o new"), 4,
                          "no valid safetensors file");
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o e.lrd --demo-users 60 --demo-items 41 --demo-length 8").code, 0);
  expect_exchange_failure(run_lrurec(folder, "import w.safetensors --data e.lrd -o new"), 4,
                          "w.safetensors: the weights are for 40 items, the data set has 41");
  ASSERT_EQ(run_lrurec(folder,
                       "prepare --demo -o f.lrd --demo-users 60 --demo-items 40 --demo-length 8 "
                       "--demo-seed 2")
                .code,
            0);
  expect_exchange_failure(run_lrurec(folder, "import w.safetensors --data f.lrd -o new"), 4, "--other-data");
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  EXPECT_EQ(run_lrurec(folder, "import w.safetensors --data f.lrd -o new --other-data").code, 0);
  EXPECT_EQ(run_lrurec(folder, "import w.safetensors --data d.lrd -o short --max-length 3").code, 0);
  EXPECT_EQ(evaluated(folder, "short")["max_length"], 3);
  expect_exchange_failure(run_lrurec(folder, "train d.lrd -o short --resume"), 4, "cannot be resumed");
}

}  // namespace
}  // namespace lrurec
