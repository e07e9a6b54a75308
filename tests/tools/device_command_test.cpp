// --device of the command: a GPU that cannot be used is refused in one sentence, and nothing is made.

#include <nlohmann/json.hpp>

#include "tests/support/devices.h"
#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::TemporaryFolder;

const std::string tiny_training =
    " --hidden 8 --channels 12 --max-length 6 --batch-size 16 --validate-every 2 --max-steps 3";

void make_device_demo(const TemporaryFolder& folder) {
  ASSERT_EQ(
      run_lrurec(folder, "prepare --demo -o d.lrd --demo-users 20 --demo-items 40 --demo-length 8").code, 0);
}

TEST(DeviceCommand, AGpuThatIsNotThereIsRefusedBeforeAnythingIsMade) {
  if (test::no_gpu().empty()) GTEST_SKIP() << "there is a GPU here";
  const TemporaryFolder folder;
  make_device_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run --quiet" + tiny_training).code, 0);
  for (const std::string command :
       {"train d.lrd -o new --device cuda", "evaluate run --device cuda", "check device cuda",
        "check grad --device cuda", "check training d.lrd --device cuda", "bench train d.lrd --device cuda",
        "bench eval d.lrd --device cuda", "bench scan --device cuda", "bench incremental --device cuda"}) {
    const auto result = run_lrurec(folder, command);
    EXPECT_EQ(result.code, 2) << command << ": " << result.err;
    EXPECT_EQ(result.err, "lrurec: error: " + test::no_gpu() + "\n") << command;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
}

TEST(DeviceCommand, ADeviceThatDoesNotExistIsAUsageError) {
  const TemporaryFolder folder;
  make_device_demo(folder);
  for (const char* command :
       {"train d.lrd -o new --device tpu", "evaluate new --device cuda:x", "check parity x --device gpu0"}) {
    const auto result = run_lrurec(folder, command);
    EXPECT_EQ(result.code, 2) << command << ": " << result.err;
    EXPECT_NE(result.err.find("cuda:1"), std::string::npos) << result.err;
  }
}

TEST(DeviceCommandCuda, TrainsAndEvaluatesOnEitherDevice) {
  LRUREC_NEEDS_GPU();
  const TemporaryFolder folder;
  make_device_demo(folder);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run --quiet --device cuda" + tiny_training).code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run --resume --quiet --device cpu --max-steps 5").code, 0);
  ASSERT_EQ(run_lrurec(folder, "train d.lrd -o run --resume --quiet --device cuda --max-steps 6").code, 0);
  const auto metrics = [&](const std::string& device) {
    const auto result = run_lrurec(folder, "evaluate run --json --device " + device);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out)["metrics"];
  };
  EXPECT_EQ(metrics("cuda"), metrics("cpu"));
}

}  // namespace
}  // namespace lrurec
