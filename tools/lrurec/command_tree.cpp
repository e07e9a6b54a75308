#include "tools/lrurec/command_tree.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "lrurec/config/config.h"

namespace lrurec::command {
namespace {

/// "TEXT:{a,b}" or "{a,b}" -> a, b.
std::vector<std::string> choices_in(const std::string& type) {
  const auto begin = type.find('{'), end = type.rfind('}');
  std::vector<std::string> choices;
  if (begin == std::string::npos || end == std::string::npos || end < begin) return choices;
  std::istringstream words(type.substr(begin + 1, end - begin - 1));
  for (std::string word; std::getline(words, word, ',');) choices.push_back(word);
  return choices;
}

/// Flags whose values are known although any text is accepted (a wrong one gets a suggestion).
std::vector<std::string> known_values(const std::string& name) {
  if (name == "preset") return config::preset_names();
  if (name == "split") return {"test", "val"};
  if (name == "device") return {"cpu", "cuda"};
  return {};
}

bool one_of(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value kind_of(const std::string& name, const std::string& type, const std::string& description) {
  if (type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT")) return Value::number;
  if (description.starts_with("folder")) return Value::folder;
  if (description.starts_with("file") ||
      one_of(name, {"output", "config", "data", "raw", "file", "files", "fixture"})) {
    return Value::file;
  }
  return Value::text;
}

const char* shown_name(Value value) {
  switch (value) {
    case Value::file:
      return "FILE";
    case Value::folder:
      return "FOLDER";
    default:
      return "TEXT";
  }
}

Flag describe_flag(const CLI::Option& option) {
  Flag flag;
  flag.description = option.get_description();
  flag.group = option.get_group();
  for (const auto& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) flag.names.push_back("--" + name);
  if (option.get_items_expected_max() == 0) return flag;
  const std::string name = option.get_lnames().empty() ? "" : option.get_lnames().front();
  const std::string type = option.get_type_name();
  flag.value_optional = option.get_items_expected_min() == 0;
  flag.choices = choices_in(type);
  if (type == "true|false") flag.choices = {"true", "false"};
  if (flag.choices.empty()) flag.choices = known_values(name);
  flag.value = flag.choices.empty() ? kind_of(name, type, flag.description) : Value::choice;
  if (flag.value == Value::number) {
    flag.value_name = type.starts_with("FLOAT") ? "NUMBER" : "N";
  } else if (flag.value == Value::choice) {
    for (const auto& choice : flag.choices) flag.value_name += (flag.value_name.empty() ? "" : "|") + choice;
  } else {
    flag.value_name = shown_name(flag.value);
  }
  return flag;
}

Command describe(const CLI::App& app, const std::string& path) {
  Command command;
  command.path = path;
  command.name = app.get_name();
  command.description = app.get_description();
  command.notes = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    if (option->nonpositional()) {
      command.flags.push_back(describe_flag(*option));
    } else {
      const std::string name = option->get_name();
      command.arguments.push_back({name, option->get_description(), option->get_required(),
                                   kind_of(name, option->get_type_name(), option->get_description())});
    }
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_group().empty()) continue;
    command.commands.push_back(describe(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name()));
  }
  return command;
}

}  // namespace

Command command_tree(const CLI::App& app) { return describe(app, ""); }

std::vector<const Command*> flatten(const Command& root) {
  std::vector<const Command*> all{&root};
  for (const auto& sub : root.commands) {
    for (const Command* below : flatten(sub)) all.push_back(below);
  }
  return all;
}

}  // namespace lrurec::command
