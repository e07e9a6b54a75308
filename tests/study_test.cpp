// The course in docs/study: what its chapters show is what its programs are and print.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/links.h"

namespace lrurec {
namespace {

namespace fs = std::filesystem;

fs::path study_folder() { return test::source_folder() / "docs/study"; }

std::vector<fs::path> pages() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(study_folder()))
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  return found;
}

std::set<std::string> program_names() {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(study_folder() / "programs"))
    if (entry.path().extension() == ".cpp") names.insert(entry.path().stem());
  return names;
}

/// A block of code after a line <!-- program NAME --> or <!-- output NAME -->, its lines each with an end.
struct Block {
  std::string page, kind, name, text;
};

/// Appends the blocks of one page; a mark without its block is a failure.
void read_blocks(const fs::path& page, std::vector<Block>& blocks) {
  const std::string text = test::read_text(page);
  static const std::regex mark("<!-- (program|output) (\\w+) -->\n");
  for (std::sregex_iterator it(text.begin(), text.end(), mark), end; it != end; ++it) {
    const std::string kind = (*it)[1], name = (*it)[2];
    const std::string fence = kind == "program" ? "```cpp\n" : "```text\n";
    const auto begin = static_cast<std::size_t>(it->position() + it->length());
    ASSERT_EQ(text.compare(begin, fence.size(), fence), 0)
        << page.filename() << ": no block " << fence << "follows " << (*it)[0];
    const std::size_t first = begin + fence.size(), last = text.find("\n```", first);
    ASSERT_NE(last, std::string::npos) << page.filename() << ": " << name;
    blocks.push_back({page.filename(), kind, name, text.substr(first, last + 1 - first)});
  }
}

std::vector<Block> all_blocks() {
  std::vector<Block> blocks;
  for (const auto& page : pages()) read_blocks(page, blocks);
  return blocks;
}

TEST(Study, ProgramsStandInTheChaptersAsTheyAre) {
  std::map<std::string, std::set<std::string>> shown;  // kind -> programs
  for (const Block& block : all_blocks()) {
    shown[block.kind].insert(block.name);
    ASSERT_TRUE(program_names().contains(block.name)) << block.page << ": " << block.name;
    if (block.kind != "program") continue;
    const std::string source = test::read_text(study_folder() / "programs" / (block.name + ".cpp"));
    EXPECT_NE(("\n" + source).find("\n" + block.text), std::string::npos)
        << block.page << ": not in programs/" << block.name << ".cpp:\n"
        << block.text;
  }
  EXPECT_EQ(shown["program"], program_names());
  EXPECT_EQ(shown["output"], program_names());
}

TEST(Study, OutputsAreWhatTheProgramsPrint) {
  const test::TemporaryFolder folder;
  const fs::path programs = fs::path(test::command_path()).parent_path() / "study";
  if (std::getenv("LRUREC_BINARY") != nullptr && !fs::exists(programs))
    GTEST_SKIP() << "the tests were carried elsewhere with the command alone";
  std::map<std::string, test::CommandResult> results;
  for (const Block& block : all_blocks()) {
    if (block.kind != "output") continue;
    if (!results.contains(block.name))
      results[block.name] =
          test::run_shell(folder, "OMP_WAIT_POLICY=passive " + (programs / block.name).string());
    const test::CommandResult& result = results[block.name];
    EXPECT_EQ(result.code, 0) << block.name << ": " << result.err;
    EXPECT_EQ(result.out, block.text) << block.page << ": " << block.name;
  }
}

TEST(Study, LinksLeadSomewhere) {
  int found = 0;
  for (const auto& entry : fs::recursive_directory_iterator(study_folder())) {
    if (entry.path().extension() != ".md") continue;
    const auto links = test::links_of(entry.path());
    EXPECT_EQ(links.dead, std::vector<std::string>{}) << entry.path().filename();
    found += links.found;
  }
  EXPECT_GT(found, 50);
}

TEST(Study, PicturesAreWhatTheirScriptDraws) {
  const test::TemporaryFolder folder;
  if (test::run_shell(folder, "command -v python3").code != 0) GTEST_SKIP() << "no python3 here";
  const auto drawn =
      test::run_shell(folder, "python3 " + (test::source_folder() / "tools/study_pictures.py").string() +
                                  " drawn && diff -rq drawn " + (study_folder() / "pictures").string());
  EXPECT_EQ(drawn.code, 0) << drawn.out << drawn.err;
}

TEST(Study, EveryPictureIsShown) {
  std::string text;
  for (const auto& page : pages()) text += test::read_text(page);
  for (const auto& entry : fs::directory_iterator(study_folder() / "pictures")) {
    EXPECT_NE(text.find("](pictures/" + entry.path().filename().string() + ")"), std::string::npos)
        << entry.path().filename();
  }
}

}  // namespace
}  // namespace lrurec
