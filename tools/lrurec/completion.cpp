// Completion code for bash, zsh and fish, made from the tree of commands.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "tools/lrurec/command_tree.h"

namespace lrurec::command {
namespace {

constexpr const char* origin = "lrurec completion";

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// 'text' for a POSIX-like shell.
std::string quoted(const std::string& text) { return "'" + replace_all(text, "'", "'\\''") + "'"; }

std::vector<std::string> names_of(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const auto& command : commands) names.push_back(command.name);
  return names;
}

std::vector<std::string> all_flags(const Command& command) {
  std::vector<std::string> names;
  for (const auto& flag : command.flags) names.insert(names.end(), flag.names.begin(), flag.names.end());
  return names;
}

// bash -----------------------------------------------------------------------------------------------------

std::string bash_values(Value value, const std::vector<std::string>& choices) {
  switch (value) {
    case Value::choice:
      return fmt::format("_lrurec_words {}", quoted(fmt::format("{}", fmt::join(choices, " "))));
    case Value::file:
      return "_lrurec_files";
    case Value::folder:
      return "_lrurec_folders";
    default:
      return ":";  // a number or free text: nothing to offer
  }
}

/// Cases by the word before, a flag: what its value may be. Flags with the same values share a case.
std::string bash_flag_cases(const Command& command) {
  std::map<std::string, std::vector<std::string>> flags;
  for (const auto& flag : command.flags) {
    if (flag.value == Value::none || flag.value_optional) continue;
    auto& of_values = flags[bash_values(flag.value, flag.choices)];
    of_values.insert(of_values.end(), flag.names.begin(), flag.names.end());
  }
  std::string text;
  for (const auto& [values, names] : flags) {
    text += fmt::format("        {}) {}; return ;;\n", fmt::join(names, " | "), values);
  }
  return text.empty() ? "" : "      case $previous in\n" + text + "      esac\n";
}

/// The case of a command: values, flags, and what else may follow.
std::string bash_of(const Command& command) {
  const Value rest = command.arguments.empty() ? Value::none : command.arguments.front().value;
  const std::string follow = command.commands.empty()
                                 ? bash_values(rest, {})
                                 : bash_values(Value::choice, names_of(command.commands));
  return fmt::format("    {})\n{}      if [[ $current == -* ]]; then _lrurec_words {}; else {}; fi ;;\n",
                     quoted(command.path), bash_flag_cases(command),
                     quoted(fmt::format("{}", fmt::join(all_flags(command), " "))), follow);
}

// zsh ------------------------------------------------------------------------------------------------------

/// Text inside the brackets and after the colons of _arguments and _describe.
std::string zsh_text(std::string text) {
  for (const char* special : {"\\", "[", "]", ":"})
    text = replace_all(text, special, std::string("\\") + special);
  return text;
}

std::string zsh_function(const Command& command) {
  return "_lrurec" + (command.path.empty() ? "" : "_" + replace_all(command.path, " ", "_"));
}

std::string zsh_action(Value value, const std::vector<std::string>& choices) {
  switch (value) {
    case Value::choice:
      return fmt::format("({})", fmt::join(choices, " "));
    case Value::file:
      return "_files";
    case Value::folder:
      return "_files -/";
    default:
      return " ";
  }
}

std::string zsh_flag(const Flag& flag) {
  std::string value;
  if (flag.value != Value::none) {
    value = fmt::format("{}:{}:{}", flag.value_optional ? ":" : "", zsh_text(flag.value_name),
                        zsh_action(flag.value, flag.choices));
  }
  std::string text;
  for (const auto& name : flag.names) {
    const std::string others = flag.names.size() > 1 ? fmt::format("({})", fmt::join(flag.names, " ")) : "";
    text += " \\\n    " + quoted(fmt::format("{}{}[{}]{}", others, name, zsh_text(flag.description), value));
  }
  return text;
}

std::string zsh_of(const Command& command) {
  std::string text = fmt::format("{}() {{\n", zsh_function(command));
  std::string flags;
  for (const auto& flag : command.flags) flags += zsh_flag(flag);
  if (command.commands.empty()) {
    text += "  _arguments -s" + flags;
    for (const auto& argument : command.arguments) {
      text += " \\\n    " + quoted(fmt::format("{}{}:{}", argument.required ? ":" : "::", argument.name,
                                               zsh_action(argument.value, {})));
    }
    return text + "\n}\n\n";
  }
  text +=
      "  local context state state_descr line\n  typeset -A opt_args\n  local -a commands\n  commands=(\n";
  for (const auto& sub : command.commands) {
    text += "    " + quoted(zsh_text(sub.name) + ":" + zsh_text(sub.description)) + "\n";
  }
  text += "  )\n  _arguments -C" + flags + " \\\n    '1: :->command' '*:: :->rest'\n";
  text +=
      "  case $state in\n    command) _describe command commands ;;\n    rest)\n      case $words[1] in\n";
  for (const auto& sub : command.commands) {
    text += fmt::format("        {}) {} ;;\n", sub.name, zsh_function(sub));
  }
  return text + "      esac ;;\n  esac\n}\n\n";
}

// fish -----------------------------------------------------------------------------------------------------

std::string fish_quoted(const std::string& text) {
  return "'" + replace_all(replace_all(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_at(const Command& command) {
  return fmt::format("complete -c lrurec -n {}",
                     fish_quoted(fmt::format("__lrurec_at {}", fish_quoted(command.path))));
}

std::string fish_value(const Flag& flag) {
  if (flag.value == Value::none || flag.value_optional) return "";
  switch (flag.value) {
    case Value::choice:
      return fmt::format(" -x -a {}", fish_quoted(fmt::format("{}", fmt::join(flag.choices, " "))));
    case Value::file:
      return " -r -F";
    case Value::folder:
      return " -x -a '(__fish_complete_directories)'";
    default:
      return " -x";
  }
}

std::string fish_of(const Command& command) {
  std::string text;
  for (const auto& flag : command.flags) {
    std::string names;
    for (const auto& name : flag.names) {
      names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    text += fmt::format("{}{}{} -d {}\n", fish_at(command), names, fish_value(flag),
                        fish_quoted(flag.description));
  }
  for (const auto& sub : command.commands) {
    text += fmt::format("{} -a {} -d {}\n", fish_at(command), sub.name, fish_quoted(sub.description));
  }
  const auto takes = [&](Value value) {
    return std::any_of(command.arguments.begin(), command.arguments.end(),
                       [value](const Argument& argument) { return argument.value == value; });
  };
  if (takes(Value::folder)) text += fish_at(command) + " -a '(__fish_complete_directories)'\n";
  if (takes(Value::file)) text += fish_at(command) + " -F\n";
  return text;
}

/// "check/grad" for every command but the first: the steps from one command to the next.
std::vector<std::string> steps(const std::vector<const Command*>& commands) {
  std::vector<std::string> result;
  for (const Command* command : commands) {
    for (const auto& sub : command->commands) result.push_back(command->path + "/" + sub.name);
  }
  return result;
}

}  // namespace

std::string bash_completion(const Command& root) {
  const auto commands = flatten(root);
  std::vector<std::string> patterns;
  for (const auto& step : steps(commands)) patterns.push_back(quoted(step));
  std::string cases;
  for (const Command* command : commands) cases += bash_of(*command);
  return fmt::format(R"(# Made by: {} bash
# Try it: source <(lrurec completion bash)

_lrurec_words() {{ mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }}
_lrurec_files() {{ compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); }}
_lrurec_folders() {{ compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current"); }}

_lrurec() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command="" i
  COMPREPLY=()
  # bash takes --flag=value apart at the sign.
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $previous == "=" ]]; then
    previous=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command/${{COMP_WORDS[i]}}" in
      {}) command+=${{command:+ }}${{COMP_WORDS[i]}} ;;
    esac
  done
  case "$command" in
{}  esac
}}
complete -F _lrurec lrurec
)",
                     origin, fmt::join(patterns, " | "), cases);
}

std::string zsh_completion(const Command& root) {
  std::string text = fmt::format("#compdef lrurec\n# Made by: {} zsh\n\n", origin);
  for (const Command* command : flatten(root)) text += zsh_of(*command);
  return text + R"(if [ "$funcstack[1]" = "_lrurec" ]; then
  _lrurec "$@"
else
  compdef _lrurec lrurec
fi
)";
}

std::string fish_completion(const Command& root) {
  const auto commands = flatten(root);
  std::vector<std::string> known;
  for (const auto& step : steps(commands)) known.push_back(fish_quoted(step));
  std::string text = fmt::format(R"(# Made by: {} fish
# Try it: lrurec completion fish | source

# Whether the words before the cursor name this command.
function __lrurec_at
    set -l command ''
    for word in (commandline -opc)[2..-1]
        if contains -- "$command/$word" {}
            set command (string trim -- "$command $word")
        end
    end
    test "$command" = "$argv[1]"
end

complete -c lrurec -f
)",
                                 origin, fmt::join(known, " "));
  for (const Command* command : commands) text += fish_of(*command);
  return text;
}

}  // namespace lrurec::command
