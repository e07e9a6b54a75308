// Completion and manual page hold every command and flag that --help shows.

#include <map>
#include <regex>
#include <sstream>

#include "tests/support/files.h"

namespace lrurec {
namespace {

using test::run_lrurec;
using test::run_shell;
using test::TemporaryFolder;

bool there_is(const TemporaryFolder& folder, const std::string& program) {
  return run_shell(folder, "command -v " + program).code == 0;
}

/// "check grad" -> its long flags, as the help texts say.
std::map<std::string, std::vector<std::string>> commands_of_help(const TemporaryFolder& folder) {
  static const std::regex subcommand(R"(^  (\w[\w-]*)( |$))"), flag(R"((^ +(?:-\w,)?|,)(--[a-z0-9][\w-]*))");
  std::map<std::string, std::vector<std::string>> result;
  std::vector<std::string> open{""};
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    std::istringstream help(run_lrurec(folder, path + " --help").out);
    auto& flags = result[path];
    bool subcommands = false;
    for (std::string line; std::getline(help, line);) {
      std::smatch match;
      if (line == "Subcommands:") {
        subcommands = true;
      } else if (line.empty()) {
        subcommands = false;  // notes and examples follow
      } else if (subcommands && std::regex_search(line, match, subcommand)) {
        open.push_back((path.empty() ? "" : path + " ") + match[1].str());
      } else if (std::regex_search(line, match, flag)) {
        flags.push_back(match[2]);
      }
    }
  }
  return result;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

bool holds(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class Completion : public testing::Test {
 protected:
  /// What a shell offers for each line, whose last word is the one to be completed.
  using Answers = std::map<std::string, std::vector<std::string>>;

  Answers ask_bash(const std::vector<std::string>& lines) const {
    std::string script =
        "source <(" + test::command_path() +
        " completion bash)\n"
        "name=$(complete -p lrurec | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
        "ask() { COMP_WORDS=(lrurec \"$@\"); COMP_CWORD=$#; $name lrurec; echo ${COMPREPLY[*]}; }\n";
    for (const auto& line : lines) {
      script += "ask " + line + (line.empty() || line.ends_with(' ') ? " ''" : "") + "\n";
    }
    return answers(lines, script, "bash --norc --noprofile ask");
  }

  Answers ask_fish(const std::vector<std::string>& lines) const {
    std::string script = test::command_path() + " completion fish | source\n";
    for (const auto& line : lines) {
      script += "echo (complete -C 'lrurec " + line + "' | string split -f1 \\t)\n";
    }
    return answers(lines, script, "fish --no-config ask");
  }

  Answers answers(const std::vector<std::string>& lines, const std::string& script,
                  const std::string& call) const {
    test::write_text(folder_ / "ask", script);
    const auto result = run_shell(folder_, call);
    EXPECT_EQ(result.err, "");
    std::istringstream out(result.out);
    Answers found;
    for (const auto& line : lines) {
      std::string answer;
      EXPECT_TRUE(std::getline(out, answer)) << line;
      found[line] = words_of(answer);
    }
    return found;
  }

  /// Every command below every command, and every flag of each.
  template <class Ask>
  void expect_everything(Ask&& ask) const {
    const auto commands = commands_of_help(folder_);
    ASSERT_GE(commands.size(), 15U);
    std::vector<std::string> lines;
    for (const auto& [path, flags] : commands) {
      const std::string before = path.empty() ? "" : path + " ";
      lines.push_back(before);
      lines.push_back(before + "--");
    }
    const auto found = ask(lines);
    std::size_t checked = 0;
    for (const auto& [path, flags] : commands) {
      const std::string before = path.empty() ? "" : path + " ";
      for (const auto& flag : flags) {
        EXPECT_TRUE(holds(found.at(before + "--"), flag)) << path << " " << flag;
        ++checked;
      }
      if (path.empty()) continue;
      const auto space = path.rfind(' ');
      const std::string parent = space == std::string::npos ? "" : path.substr(0, space + 1);
      EXPECT_TRUE(holds(found.at(parent), path.substr(space + 1))) << path;
    }
    EXPECT_GE(checked, 150U);
    EXPECT_FALSE(holds(found.at(""), "completion")) << "hidden";
  }

  TemporaryFolder folder_;
};

TEST_F(Completion, BashOffersEveryCommandAndFlag) {
  if (!there_is(folder_, "bash")) GTEST_SKIP() << "no bash";
  expect_everything([this](const auto& lines) { return ask_bash(lines); });
}

TEST_F(Completion, BashOffersValuesFilesAndFolders) {
  if (!there_is(folder_, "bash")) GTEST_SKIP() << "no bash";
  test::write_text(folder_ / "ratings.dat", "");
  std::filesystem::create_directory(folder_ / "run1");
  auto found = ask_bash({"train --preset ", "train --preset = ml", "train --preset = ", "train --seed ",
                         "evaluate run1 --checkpoint l", "evaluate ", "prepare rat", "export run1 --complex ",
                         "train x -o r", "recommend run1 --batch ra", "chec", "check gr",
                         "train data.lrd --pre", "prepare ratings.dat --split ", "evaluate run1 --split "});
  using Words = std::vector<std::string>;
  EXPECT_TRUE(holds(found["train --preset "], "beauty"));
  EXPECT_EQ(found["train --preset = ml"], Words{"ml-1m"});
  EXPECT_TRUE(holds(found["train --preset = "], "xlong"));
  EXPECT_EQ(found["train --seed "], Words{});
  EXPECT_EQ(found["evaluate run1 --checkpoint l"], Words{"last"});
  EXPECT_EQ(found["evaluate "], Words{"run1"}) << "folders only";
  EXPECT_EQ(found["prepare rat"], Words{"ratings.dat"});
  EXPECT_EQ(found["export run1 --complex "], (Words{"c64", "split"}));
  EXPECT_EQ(found["prepare ratings.dat --split "], (Words{"leave-last", "time"})) << "not those of evaluate";
  EXPECT_EQ(found["evaluate run1 --split "], (Words{"test", "val"}));
  EXPECT_EQ(found["train x -o r"], Words{"run1"});
  EXPECT_EQ(found["recommend run1 --batch ra"], Words{"ratings.dat"});
  EXPECT_EQ(found["chec"], Words{"check"});
  EXPECT_EQ(found["check gr"], Words{"grad"});
  EXPECT_EQ(found["train data.lrd --pre"], Words{"--preset"});
}

TEST_F(Completion, FishOffersEveryCommandAndFlag) {
  if (!there_is(folder_, "fish")) GTEST_SKIP() << "no fish";
  expect_everything([this](const auto& lines) { return ask_fish(lines); });
}

TEST_F(Completion, ZshHasEveryCommandAndFlag) {
  const std::string text = run_lrurec(folder_, "completion zsh").out;
  for (const auto& [path, flags] : commands_of_help(folder_)) {
    const std::string name = "_lrurec" + std::string(path.empty() ? "" : "_") +
                             std::regex_replace(path, std::regex(" "), "_") + "() {\n";
    const auto begin = text.find("\n" + name);
    ASSERT_NE(begin, std::string::npos) << name;
    const std::string body = text.substr(begin, text.find("\n}\n", begin) - begin);
    for (const auto& flag : flags) {
      EXPECT_NE(body.find(flag + "["), std::string::npos) << path << " " << flag;
    }
  }
  if (!there_is(folder_, "zsh")) GTEST_SKIP() << "no zsh to check the syntax";
  test::write_text(folder_ / "_lrurec", text);
  const auto checked = run_shell(folder_, "zsh -f -n _lrurec");
  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_EQ(checked.err, "");
}

TEST_F(Completion, UnknownShellIsAnError) {
  EXPECT_EQ(run_lrurec(folder_, "completion csh").code, 2);
  EXPECT_EQ(run_lrurec(folder_, "completion").code, 2);
}

TEST_F(Completion, TheManualPageHasEveryCommandAndFlag) {
  const auto page = run_lrurec(folder_, "man");
  ASSERT_EQ(page.code, 0) << page.err;
  for (const auto& [path, flags] : commands_of_help(folder_)) {
    const std::string heading = path.empty() ? ".SH OPTIONS\n" : ".SS \"lrurec " + path + "\"\n";
    EXPECT_NE(page.out.find(heading), std::string::npos) << heading;
    for (const auto& flag : flags) {
      const std::string shown = "\\fB" + std::regex_replace(flag, std::regex("-"), "\\-") + "\\fR";
      EXPECT_NE(page.out.find(shown), std::string::npos) << path << " " << flag;
    }
  }
  EXPECT_NE(page.out.find("Examples:\n  lrurec report run\n"), std::string::npos);
  if (!there_is(folder_, "groff")) GTEST_SKIP() << "no groff to check the page";
  test::write_text(folder_ / "lrurec.1", page.out);
  const auto checked = run_shell(folder_, "groff -man -Tutf8 -ww -z lrurec.1");
  EXPECT_EQ(checked.code, 0);
  EXPECT_EQ(checked.err, "");
}

}  // namespace
}  // namespace lrurec
