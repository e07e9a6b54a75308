// tools/gpu_check.sh without a GPU: with a command and tests that only say what the script should see.

#include <filesystem>

#include "tests/support/files.h"

namespace lrurec {
namespace {

namespace fs = std::filesystem;

/// A folder like the one that tools/gpu_bundle.sh packs.
class GpuBundle {
 public:
  GpuBundle() {
    for (const char* name : {"bin", "docs", "tools/bench"}) fs::create_directories(folder_ / name);
    for (const char* name : {"tools/gpu_check.sh", "tools/bench/gpu_report.py"}) {
      fs::copy_file(test::source_folder() / name, folder_ / name);
    }
    is_version("1");
    // `prepare` is asked for a data set.
    program("bin/lrurec", "for a; do [ \"$before\" = -o ] && touch \"$a\"; before=$a; done; echo ok");
    program("bin/lrurec_tests", "echo '[  PASSED  ] 3 tests.'");
  }
  void program(const std::string& name, const std::string& code) const {
    test::write_text(folder_ / name, "#!/usr/bin/env bash\n" + code + "\n");
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }
  void is_version(const std::string& version) const { test::write_text(folder_ / "version", version + "\n"); }
  test::CommandResult check(const std::string& arguments, const std::string& variables = "") const {
    return test::run_shell(folder_, variables + " tools/gpu_check.sh " + arguments);
  }
  std::string report() const { return test::read_text(folder_ / "docs/gpu-results.md"); }

 private:
  test::TemporaryFolder folder_;
};

TEST(ScriptsCommand, GpuCheckCountsTestsThatFindNoGpuAsFailed) {
  const GpuBundle bundle;
  EXPECT_EQ(bundle.check("--sections tests").code, 0);
  // As LRUREC_NEEDS_GPU does.
  bundle.program("bin/lrurec_tests", "[ -z \"$LRUREC_REQUIRE_GPU\" ]");
  const auto checked = bundle.check("--sections tests");
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE(checked.err.find("1 steps failed"), std::string::npos) << checked.err;
}

TEST(ScriptsCommand, GpuCheckOfNothingIsAWrongCommandLine) {
  const GpuBundle bundle;
  for (const char* none : {"''", "' '"}) {
    EXPECT_EQ(bundle.check(std::string("--sections ") + none).code, 2);
  }
}

TEST(ScriptsCommand, GpuCheckFailsWhereASectionHadNothingToRun) {
  const GpuBundle bundle;
  bundle.program("any_python", "");
  for (const char* section : {"parity", "peers"}) {
    const auto checked = bundle.check(std::string("--sections ") + section, "LRUREC_PYTORCH=./any_python");
    EXPECT_EQ(checked.code, 1) << section;
    EXPECT_NE(checked.err.find("did not run"), std::string::npos) << checked.err;
  }
}

TEST(ScriptsCommand, GpuCheckFailsWhereNoReportCanBeMade) {
  const GpuBundle bundle;
  bundle.program("no_python", "exit 1");
  const auto checked = bundle.check("--sections tests", "LRUREC_PYTORCH=./no_python");
  EXPECT_EQ(checked.code, 1);
  EXPECT_NE(checked.err.find("the report could not be made"), std::string::npos) << checked.err;
}

TEST(ScriptsCommand, GpuCheckKeepsTheVersionOfEarlierResults) {
  const test::TemporaryFolder anywhere;
  if (test::run_shell(anywhere, "python3 -c ''").code != 0) GTEST_SKIP() << "there is no python3";
  const GpuBundle bundle;
  ASSERT_EQ(bundle.check("--sections tests").code, 0);
  EXPECT_NE(bundle.report().find("from version 1: 2 steps"), std::string::npos) << bundle.report();
  bundle.is_version("2");
  ASSERT_EQ(bundle.check("--sections device").code, 0);
  for (const char* text :
       {"from several versions", "## The machine\n\nFrom version 2.", "## Tests\n\nFrom version 1."}) {
    EXPECT_NE(bundle.report().find(text), std::string::npos) << text << '\n' << bundle.report();
  }
}

}  // namespace
}  // namespace lrurec
