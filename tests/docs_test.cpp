// What the documentation names must exist.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/links.h"

namespace {

namespace fs = std::filesystem;
const fs::path root = LRUREC_SOURCE_DIR;

const std::vector<std::string> folders{"tensor", "autograd", "ops", "nn", "lrurec", "tools", "tests"};

std::string read(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// "Suite.Name" of every test in the tree.
std::set<std::string> test_names() {
  std::set<std::string> names;
  static const std::regex test(R"(TEST(?:_P|_F)?\((\w+),\s*(\w+)\))");
  for (const auto& entry : fs::recursive_directory_iterator(root / "tests")) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string text = read(entry.path());
    for (std::sregex_iterator it(text.begin(), text.end(), test), end; it != end; ++it) {
      names.insert((*it)[1].str() + "." + (*it)[2].str());
    }
  }
  return names;
}

TEST(Docs, ThePaperMapNamesFilesFunctionsAndTestsThatExist) {
  const std::string map = read(root / "docs/paper-map.md");
  // `file`: `function`, as the code column has them.
  static const std::regex place(R"(`([\w/]+\.(?:cpp|h))`: `([\w:]+)`)");
  int places = 0, tests = 0;
  for (std::sregex_iterator it(map.begin(), map.end(), place), end; it != end; ++it, ++places) {
    const std::string file = (*it)[1], function = (*it)[2];
    EXPECT_TRUE(fs::exists(root / file)) << file;
    EXPECT_NE(read(root / file).find(function), std::string::npos) << function << " in " << file;
  }
  EXPECT_GE(places, 14);

  const auto known = test_names();
  static const std::regex test(R"(`([A-Z]\w+\.[A-Z]\w+)`)");
  for (std::sregex_iterator it(map.begin(), map.end(), test), end; it != end; ++it, ++tests) {
    EXPECT_TRUE(known.contains((*it)[1])) << (*it)[1];
  }
  EXPECT_GE(tests, 13);
  for (int equation = 1; equation <= 10; ++equation) {
    EXPECT_NE(map.find("| eq. " + std::to_string(equation) + " |"), std::string::npos)
        << "equation " << equation;
  }
  // lrurec explain finds the paper's tables, figures and sections by their own names.
  for (const char* name :
       {"table 1", "table 2", "table 3", "table 4", "table 5", "table 6", "figure 1", "figure 2", "figure 3",
        "figure 4", "section 3.2", "section 3.3", "section 3.4", "section 5.1", "section 5.2", "section 5.3",
        "section 5.4", "section 5.5", "section 5.6"}) {
    EXPECT_NE(map.find("\n| " + std::string(name) + " |"), std::string::npos) << name;
  }
}

TEST(Docs, TheQuestionsNameTestsThatExist) {
  const std::string faq = read(root / "docs/faq.md");
  const auto known = test_names();
  static const std::regex test(R"(`([A-Z]\w+\.[A-Z]\w+)`)");
  int questions = 0;
  std::size_t at = faq.find("\n### ");
  while (at != std::string::npos) {
    const std::size_t next = faq.find("\n### ", at + 1);
    const std::string answer = faq.substr(at, next - at);
    int tests = 0;
    for (std::sregex_iterator it(answer.begin(), answer.end(), test), end; it != end; ++it, ++tests) {
      EXPECT_TRUE(known.contains((*it)[1])) << (*it)[1];
    }
    EXPECT_GT(tests, 0) << answer;
    ++questions;
    at = next;
  }
  EXPECT_EQ(questions, 15);
}

TEST(Docs, EveryRowOfTheMatrixNamesTestsThatExist) {
  const std::string text = read(root / "docs/reliability.md");
  const auto known = test_names();
  static const std::regex test(R"(`([A-Z]\w+\.[A-Z]\w+)`)");
  for (std::sregex_iterator it(text.begin(), text.end(), test), end; it != end; ++it) {
    EXPECT_TRUE(known.contains((*it)[1])) << (*it)[1];
  }
  for (int row = 1; row <= 33; ++row) {
    const std::size_t at = text.find("\n| " + std::to_string(row) + " |");
    ASSERT_NE(at, std::string::npos) << "row " << row;
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    EXPECT_TRUE(std::regex_search(line, test)) << line;
  }
}

TEST(Docs, EveryFolderHasAPageOfOneScreenWithItsTypes) {
  // [`Type`](header)
  static const std::regex type(R"(\[`([\w:]+)`\]\(([\w./-]+\.h)\))");
  for (const std::string& folder : folders) {
    const std::string page = read(root / folder / "README.md");
    const auto lines = std::count(page.begin(), page.end(), '\n');
    EXPECT_GT(lines, 20) << folder;
    // The recipe of an operation has its code.
    if (folder != "ops") {
      EXPECT_LE(lines, 45) << folder;
    }
    int types = 0;
    for (std::sregex_iterator it(page.begin(), page.end(), type), end; it != end; ++it, ++types) {
      const std::string full = (*it)[1], name = full.substr(full.rfind(':') + 1);
      EXPECT_NE(read(root / folder / (*it)[2].str()).find(name), std::string::npos) << folder << ": " << full;
    }
    EXPECT_GE(types, 3) << folder;
  }
}

// A row: what is looked for | [`file`](link): `name`, `name`; the next file, ...
TEST(Docs, WhatAReaderLooksForIsAtMostThreeFilesAway) {
  std::istringstream page(read(root / "docs/finding-things.md"));
  static const std::regex step(R"(\[`([\w./-]+)`\]\(([\w./-]+)\): ((?:`[^`]+`(?:, )?)+))"),
      quoted("`([^`]+)`");
  int rows = 0;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| ") || line.starts_with("| what you look for")) continue;
    ++rows;
    int files = 0;
    std::string opened = read(root / "README.md");
    for (std::sregex_iterator it(line.begin(), line.end(), step), end; it != end; ++it, ++files) {
      const std::string file = (*it)[1], link = (*it)[2], names = (*it)[3];
      EXPECT_EQ((fs::path("docs") / link).lexically_normal(), fs::path(file)) << line;
      const std::string text = read(root / file), last = fs::path(file).filename();
      EXPECT_TRUE(opened.find(file) != std::string::npos || opened.find(last) != std::string::npos)
          << "nothing before it names " << file << ": " << line;
      for (std::sregex_iterator name(names.begin(), names.end(), quoted); name != end; ++name) {
        EXPECT_NE(text.find((*name)[1]), std::string::npos) << (*name)[1] << " in " << file;
      }
      opened += text;
    }
    EXPECT_GE(files, 1) << line;
    EXPECT_LE(files, 3) << line;
  }
  EXPECT_EQ(rows, 13);
}

TEST(Docs, LinksLeadSomewhere) {
  std::vector<std::string> names{"README.md", "CONTRIBUTING.md"};
  for (const std::string& folder : folders) names.push_back(folder + "/README.md");
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") names.push_back(fs::relative(entry.path(), root).string());
  }
  EXPECT_GE(names.size(), 30U);
  int found = 0;
  for (const auto& name : names) {
    const auto links = lrurec::test::links_of(root / name);
    EXPECT_EQ(links.dead, std::vector<std::string>{}) << name;
    found += links.found;
  }
  EXPECT_GT(found, 300);
}

TEST(Docs, ALinkToNoFileOrNoHeadingIsNoticed) {
  const auto links = lrurec::test::links_of(
      root / "README.md",
      "## On a GPU, say\n```\n# code\n```\n[a](#on-a-gpu-say) [b](docs/tour.md) "
      "[c](docs/benchmarks.md#on-a-gpu) "
      "[d](#code) [e](docs/benchmarks.md#nothing) [f](docs/nothing.md#on-a-gpu) [g](https://example.org)");
  EXPECT_EQ(links.found, 6);
  EXPECT_EQ(links.dead, (std::vector<std::string>{"](#code)", "](docs/benchmarks.md#nothing)",
                                                  "](docs/nothing.md#on-a-gpu)"}));
}

}  // namespace
