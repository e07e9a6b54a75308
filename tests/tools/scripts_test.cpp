// The scripts of tools/: each says what it does, and names tests that there are.

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/support/files.h"

namespace lrurec {
namespace {

namespace fs = std::filesystem;

TEST(ScriptsCommand, HelpSaysWhatAScriptDoesAndDoesNothingElse) {
  const fs::path tools = test::source_folder() / "tools";
  const test::TemporaryFolder anywhere;
  const bool python = test::run_shell(anywhere, "python3 -c ''").code == 0;
  std::set<fs::path> scripts;
  for (const auto& folder : {tools, tools / "bench"}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto name = entry.path().filename(), kind = name.extension();
      const bool shell = kind == ".sh" && name != "help.sh" && name != "ccache.sh";
      if (shell || (kind == ".py" && python)) scripts.insert(entry.path());
    }
  }
  ASSERT_GE(scripts.size(), 20U);
  for (const auto& script : scripts) {
    const test::TemporaryFolder folder;
    const char* interpreter = script.extension() == ".py" ? "python3 " : "";
    const auto shown = test::run_shell(folder, interpreter + script.string() + " --help");
    EXPECT_EQ(shown.code, 0) << script << '\n' << shown.err;
    EXPECT_GT(shown.out.size(), 40U) << script;
    EXPECT_EQ(shown.out.find("pipefail"), std::string::npos) << script << " shows its code: " << shown.out;
    EXPECT_EQ(shown.err, "") << script;
    EXPECT_TRUE(folder.entries().empty()) << script;
  }
}

/// Suite.Test of every test of this program.
std::vector<std::string> registered_tests() {
  std::vector<std::string> names;
  const auto& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      names.push_back(std::string(suite.name()) + "." + suite.GetTestInfo(j)->name());
    }
  }
  return names;
}

/// Whether the tests' sources have Suite.Test: some tests are compiled for a GPU alone.
bool is_written(std::string name) {
  name.replace(std::min(name.find('.'), name.size()), 1, ", ");
  for (const auto& entry : fs::recursive_directory_iterator(test::source_folder() / "tests")) {
    if (entry.path().extension() == ".cpp" &&
        test::read_text(entry.path()).find("TEST(" + name + ")") != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST(ScriptsCommand, EveryFilterMatchesATest) {
  const auto tests = registered_tests();
  if (tests.size() < 2000) GTEST_SKIP() << "some of the tests alone were built";
  // As scripts give them to the tests, or keep them in a variable.
  const std::regex filters("(--gtest_filter=['\"]?|filter:=|short\\+?='|TESTS = \")([-*:./\\w]+)");
  const std::regex pattern("[^-:]+");
  std::size_t patterns = 0;
  for (const auto& entry : fs::recursive_directory_iterator(test::source_folder() / "tools")) {
    if (entry.path().extension() != ".sh" && entry.path().extension() != ".py") continue;
    const std::string text = test::read_text(entry.path());
    for (std::sregex_iterator filter(text.begin(), text.end(), filters), end; filter != end; ++filter) {
      const std::string list = (*filter)[2];
      for (std::sregex_iterator found(list.begin(), list.end(), pattern); found != end; ++found, ++patterns) {
        const auto matches = [&](const std::string& name) {
          return ::fnmatch(found->str().c_str(), name.c_str(), 0) == 0;
        };
        EXPECT_TRUE(std::any_of(tests.begin(), tests.end(), matches) || is_written(found->str()))
            << entry.path() << " has '" << found->str() << "', which matches no test";
      }
    }
  }
  EXPECT_GE(patterns, 60U);
}

TEST(ScriptsCommand, TestsRunWhereAPathHasASpace) {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "a b");
  fs::create_directory_symlink(fs::path(test::command_path()).parent_path(), folder / "a b/bin");
  fs::create_directory_symlink(test::source_folder(), folder / "a b/source");
  const auto tested =
      test::run_shell(folder,
                      "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX LRUREC_BINARY='a b/bin/lrurec' "
                      "LRUREC_SOURCE_DIR='a b/source' '" +
                          fs::read_symlink("/proc/self/exe").string() +
                          "' --gtest_filter='ScriptsCommand.HelpSays*:Command.TeachesAndHelps'");
  EXPECT_EQ(tested.code, 0) << tested.out << tested.err;
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
