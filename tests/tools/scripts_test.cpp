// The scripts of tools/: each says what it does.

#include <filesystem>
#include <set>

#include "tests/support/files.h"

namespace lrurec {
namespace {

namespace fs = std::filesystem;

TEST(ScriptsCommand, HelpSaysWhatAScriptDoesAndDoesNothingElse) {
  const fs::path tools = test::source_folder() / "tools";
  std::set<fs::path> scripts;
  for (const auto& folder : {tools, tools / "bench"}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".sh" && entry.path().filename() != "help.sh" &&
          entry.path().filename() != "ccache.sh") {
        scripts.insert(entry.path());
      }
    }
  }
  ASSERT_GE(scripts.size(), 20U);
  for (const auto& script : scripts) {
    const test::TemporaryFolder folder;
    const auto shown = test::run_shell(folder, script.string() + " --help");
    EXPECT_EQ(shown.code, 0) << script << '\n' << shown.err;
    EXPECT_GT(shown.out.size(), 40U) << script;
    EXPECT_EQ(shown.out.find("pipefail"), std::string::npos) << script << " shows its code: " << shown.out;
    EXPECT_EQ(shown.err, "") << script;
    EXPECT_TRUE(folder.entries().empty()) << script;
  }
}

TEST(ScriptsCommand, AnUnknownFlagOfLintIsRefused) {
  const test::TemporaryFolder folder;
  const auto refused =
      test::run_shell(folder, (test::source_folder() / "tools/lint.sh").string() + " --chagned");
  EXPECT_NE(refused.code, 0);
  EXPECT_EQ(refused.out.find("lint: ok"), std::string::npos);
}

}  // namespace
}  // namespace lrurec
