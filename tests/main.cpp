#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "tests/support/files.h"

namespace {

namespace fs = std::filesystem;
using lrurec::test::TemporaryFolder;

/// Tests put the paths of the command and of the project into lines for a shell as they are. Where one has a
/// space, they see both through links without, which lie in this folder.
std::unique_ptr<TemporaryFolder> links_without_spaces() {
  const fs::path source = fs::absolute(lrurec::test::source_folder());
  const fs::path binary = fs::absolute(lrurec::test::command_path());
  if ((source.string() + binary.string()).find(' ') == std::string::npos) return nullptr;
  auto links = std::make_unique<TemporaryFolder>();
  fs::create_directory_symlink(source, *links / "source");
  fs::create_directory_symlink(binary.parent_path(), *links / "bin");
  ::setenv("LRUREC_SOURCE_DIR", (*links / "source").c_str(), 1);
  ::setenv("LRUREC_BINARY", (*links / "bin" / binary.filename()).c_str(), 1);
  return links;
}

}  // namespace

int main(int argc, char** argv) {
  // Under nohup the tests of what a command does at a hang-up would wait for ever: it rightly goes on.
  std::signal(SIGHUP, SIG_DFL);
  testing::InitGoogleTest(&argc, argv);
  const auto links = links_without_spaces();
  return RUN_ALL_TESTS();
}
