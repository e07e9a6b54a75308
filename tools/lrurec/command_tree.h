#pragma once
// The commands and flags as plain data: what completion and the manual page are made from.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lrurec::command {

/// What may stand where a flag or an argument wants a value.
enum class Value { none, choice, number, text, file, folder };

struct Flag {
  std::vector<std::string> names;  ///< with their dashes: "-o", "--output"
  std::string description, group;
  Value value = Value::none;
  bool value_optional = false;
  std::string value_name;            ///< "FILE", "INT", ...; empty without a value
  std::vector<std::string> choices;  ///< of Value::choice
};

struct Argument {
  std::string name, description;
  bool required = false;
  Value value = Value::text;
};

struct Command {
  std::string path;                      ///< "" is lrurec itself, then "train", "check grad"
  std::string name, description, notes;  ///< notes: below the flags, with examples
  std::vector<Flag> flags;
  std::vector<Argument> arguments;
  std::vector<Command> commands;
};

/// All that is not hidden.
Command command_tree(const CLI::App& app);

/// Refuses an empty text where a file or folder is named: it would be no name, or stand for a default.
void refuse_empty_paths(CLI::App& app);

/// --help shows values as the manual page does, and not which flags exclude each other, which the error says.
void show_values_as_the_manual(CLI::App& app);

/// A command and all below it, the command first.
std::vector<const Command*> flatten(const Command& root);

/// Texts for `lrurec completion SHELL` and `lrurec man`.
std::string bash_completion(const Command& root);
std::string zsh_completion(const Command& root);
std::string fish_completion(const Command& root);
std::string man_page(const Command& root);

}  // namespace lrurec::command
