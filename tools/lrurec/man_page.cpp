// The manual page, made from the tree of commands.

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "tools/lrurec/command_tree.h"

namespace lrurec::command {
namespace {

/// Text as roff prints it literally: dashes that can be copied, no line that starts with a request.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (c == '\'') {
      result += "\\(aq";
    } else {
      result += c;
    }
  }
  return !result.empty() && result[0] == '.' ? "\\&" + result : result;
}

/// ".TP", the names in bold with the value in italics, and what it means.
std::string entry(const Flag& flag) {
  std::string names;
  for (const auto& name : flag.names) names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
  if (flag.value != Value::none) {
    const std::string value = "\\fI" + roff(flag.value_name) + "\\fR";
    names += flag.value_optional ? " [" + value + "]" : " " + value;
  }
  return fmt::format(".TP\n{}\n{}\n", names, roff(flag.description));
}

constexpr const char* plain_group = "Options";

std::string synopsis(const Command& command) {
  std::string line = "\\fBlrurec" + (command.path.empty() ? "" : " " + roff(command.path)) + "\\fR";
  for (const auto& argument : command.arguments) {
    const std::string name = "\\fI" + roff(argument.name) + "\\fR";
    line += argument.required ? " " + name : " [" + name + "]";
  }
  if (!command.commands.empty()) line += " \\fIcommand\\fR";
  return line + " [\\fIoptions\\fR]";
}

/// Text whose lines stay as they are.
std::string verbatim(const std::string& text) {
  std::string result = ".PP\n.nf\n";
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result += roff(line) + "\n";
  return result + ".fi\n";
}

std::string section(const Command& command) {
  std::string text = fmt::format(".SS \"lrurec {}\"\n{}\n.PP\n{}\n", roff(command.path),
                                 roff(command.description), synopsis(command));
  for (const auto& argument : command.arguments) {
    text += fmt::format(".TP\n\\fI{}\\fR\n{}\n", roff(argument.name), roff(argument.description));
  }
  bool settings = false;
  for (const auto& flag : command.flags) {
    if (flag.group == plain_group) text += entry(flag);
    settings |= flag.group != plain_group;
  }
  if (settings) text += ".PP\nAnd every flag under SETTINGS.\n";
  if (!command.notes.empty()) text += verbatim(command.notes);
  return text;
}

/// Flags of other groups, which several commands share, once.
std::string shared_flags(const std::vector<const Command*>& commands) {
  std::vector<std::string> seen;
  std::string text;
  for (const Command* command : commands) {
    for (const auto& flag : command->flags) {
      if (flag.group == plain_group || std::find(seen.begin(), seen.end(), flag.names.back()) != seen.end())
        continue;
      seen.push_back(flag.names.back());
      text += entry(flag);
    }
  }
  return text;
}

constexpr const char* head = R"(.\" Made by: lrurec man
.TH LRUREC 1 "" "lrurec {0}" "User Commands"
.SH NAME
lrurec \- linear recurrent units for sequential recommendation
.SH SYNOPSIS
\fBlrurec\fR \fIcommand\fR [\fIarguments\fR] [\fIoptions\fR]
.SH DESCRIPTION
Prepares logs of who took what and when, trains the sequential recommender LRURec on them, evaluates it beside
baselines, and checks that everything is right.
Results go to standard output (as JSON with \fB\-\-json\fR), everything else to standard error
(\fB\-\-quiet\fR, \fB\-\-verbose\fR); there are no colours.
.PP
\fBlrurec\fR alone shows the first steps.
.SH COMMANDS
)";

constexpr const char* tail = R"(.SH EXIT STATUS
.TP
0
Success.
.TP
1
An error inside the program.
.TP
2
Command line or configuration.
.TP
3
Raw data: a malformed line, an empty data set, an unknown item.
.TP
4
A data set, checkpoint or weights file that is damaged or does not fit.
.TP
5
Reading or writing failed.
.TP
6
A number that is not finite in a loss, gradient, parameter or score.
.TP
7
Out of memory.
.TP
8
A check found a difference.
.TP
129, 130, 143
Interrupted (SIGHUP, SIGINT, SIGTERM) after saving.
.TP
141
The reader of the output ended first.
.SH ENVIRONMENT
.TP
\fBOMP_NUM_THREADS\fR
CPU threads where \fB\-\-threads\fR is not given.
.TP
\fBOMP_WAIT_POLICY\fR
How idle threads wait; \fBpassive\fR unless it is set.
.TP
\fBOPENBLAS_CORETYPE\fR
Kernels of OpenBLAS; set for a processor that OpenBLAS does not know, unless it is set already.
.SH FILES
.TP
\fB/usr/libexec/lrurec\fR
Of a package: the command compiled for AVX\-512 (\fBavx512\fR) and for AVX\-512 with BF16 (\fBavx512\-bf16\fR), started where the
processor has them. \fBlrurec check device\fR says which one runs.
.SH EXAMPLES
.nf
lrurec prepare ratings.inter \-o data.lrd
lrurec train data.lrd \-o run \-\-preset ml\-1m
lrurec evaluate run
lrurec export run \-o weights.safetensors
.fi
)";

}  // namespace

std::string man_page(const Command& root) {
  const auto commands = flatten(root);
  std::string text = fmt::format(fmt::runtime(head), LRUREC_VERSION);
  for (const Command* command : commands) {
    if (command != &root) text += section(*command);
  }
  text += ".SH OPTIONS\nOf \\fBlrurec\\fR itself:\n";
  for (const auto& flag : root.flags) text += entry(flag);
  text +=
      ".SH SETTINGS\nSettings come from the preset, then from the file given with \\fB\\-\\-config\\fR, then "
      "from these flags.\n" +
      shared_flags(commands);
  return text + tail;
}

}  // namespace lrurec::command
