// The tour in docs/tour.md: every command is run, and what it prints compared.

#include <cmath>
#include <regex>
#include <sstream>

#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::TemporaryFolder;

struct Step {
  std::string command, expected;
  int line = 0;
};

/// The commands of all ```console blocks: "$ " begins one, "> " goes on with it, anything else is its output.
std::vector<Step> steps_of(const std::string& document) {
  std::vector<Step> steps;
  std::istringstream in(document);
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("```")) {
      inside = line == "```console";
    } else if (inside && line.starts_with("$ ")) {
      steps.push_back({line.substr(2), "", number});
    } else if (inside && line.starts_with("> ") && steps.back().expected.empty()) {
      steps.back().command += "\n" + line.substr(2);
    } else if (inside) {
      steps.back().expected += line + "\n";
    }
  }
  return steps;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    line = std::regex_replace(line, std::regex("\\s+"), " ");
    if (line.ends_with(' ')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

/// "..." stands for any text. Numbers with a point may differ by a fifth: they come from trainings, whose
/// rounding depends on the processor.
bool same_line(const std::string& expected, const std::string& actual) {
  static const std::regex number("\\d+\\.\\d+"), special("[.^$|()\\[\\]{}*+?\\\\]"),
      any("\\\\\\.\\\\\\.\\\\\\.");
  std::string pattern;
  std::vector<double> values;
  std::size_t at = 0;
  const auto literal = [&](const std::string& text) {
    pattern += std::regex_replace(std::regex_replace(text, special, "\\$&"), any, ".*");
  };
  for (std::sregex_iterator it(expected.begin(), expected.end(), number), end; it != end; ++it) {
    literal(expected.substr(at, static_cast<std::size_t>(it->position()) - at));
    pattern += "(\\d+\\.\\d+)";
    values.push_back(std::stod(it->str()));
    at = static_cast<std::size_t>(it->position() + it->length());
  }
  literal(expected.substr(at));
  std::smatch found;
  if (!std::regex_match(actual, found, std::regex(pattern))) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::abs(std::stod(found[i + 1]) - values[i]) > 0.02 + 0.2 * values[i]) return false;
  }
  return true;
}

/// A line "..." stands for any number of lines.
bool same_output(const std::vector<std::string>& expected, const std::vector<std::string>& actual,
                 std::size_t e = 0, std::size_t a = 0) {
  if (e == expected.size()) return a == actual.size();
  if (expected[e] == "...") {
    for (std::size_t next = a; next <= actual.size(); ++next) {
      if (same_output(expected, actual, e + 1, next)) return true;
    }
    return false;
  }
  return a < actual.size() && same_line(expected[e], actual[a]) &&
         same_output(expected, actual, e + 1, a + 1);
}

TEST(Tour, EveryCommandPrintsWhatTheDocumentSays) {
  const auto steps = steps_of(test::read_text(test::source_folder() / "docs/tour.md"));
  ASSERT_GT(steps.size(), 20U);
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "bin");
  std::filesystem::create_symlink(test::command_path(), folder / "bin/lrurec");
  for (const Step& step : steps) {
    test::write_text(folder / "bin/step", "set -e -o pipefail\n" + step.command + "\n");
    const auto result = test::run_shell(folder, "PATH=$PWD/bin:$PATH bash bin/step 2>&1");
    // 141 is SIGPIPE: `head` stops reading when it has enough, and a writer that is not done by then ends so.
    const bool cut = result.code == 141 && step.command.find("| head") != std::string::npos;
    ASSERT_TRUE(result.code == 0 || cut)
        << "docs/tour.md:" << step.line << ": " << step.command << "\nends with " << result.code << "\n"
        << result.out;
    EXPECT_TRUE(same_output(lines_of(step.expected), lines_of(result.out)))
        << "docs/tour.md:" << step.line << ": " << step.command << "\nsays\n"
        << step.expected << "but prints\n"
        << result.out;
  }
}

TEST(Tour, ItsComparisonTellsTextsApart) {
  const auto same = [](const std::string& a, const std::string& b) {
    return same_output(lines_of(a), lines_of(b));
  };
  EXPECT_TRUE(same("a  0.50 b\n", "a 0.55 b\n"));
  EXPECT_FALSE(same("a 0.50 b\n", "a 0.75 b\n"));
  EXPECT_FALSE(same("a 0.50 b\n", "a 0.50 c\n"));
  EXPECT_FALSE(same("a 5 b\n", "a 6 b\n"));
  EXPECT_TRUE(same("a ... (b)\n", "a c d (b)\n"));
  EXPECT_FALSE(same("a ... (b)\n", "a c d b\n"));
  EXPECT_TRUE(same("a\n...\nb\n", "a\nx\ny\nb\n"));
  EXPECT_TRUE(same("a\n...\nb\n", "a\nb\n"));
  EXPECT_FALSE(same("a\n...\nb\n", "a\nx\n"));
  EXPECT_FALSE(same("a\n", "a\nb\n"));
  EXPECT_FALSE(same("", "a\n"));
}

}  // namespace
}  // namespace lrurec
