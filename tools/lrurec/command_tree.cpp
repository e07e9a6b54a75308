#include "tools/lrurec/command_tree.h"

#include <algorithm>
#include <memory>
#include <sstream>

#include "lrurec/config/config.h"
#include "tools/lrurec/validators.h"

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
std::vector<std::string> known_values(const std::string& command, const std::string& name) {
  if (name == "preset") return config::preset_names();
  if (name == "split" && command == "prepare") return {"leave-last", "time"};
  if (name == "split") return {"test", "val"};
  if (name == "mask") return {"none", "window", "all"};
  if (name == "device") return {"cpu", "cuda"};
  return {};
}

bool one_of(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value kind_of(const std::string& name, const std::string& type, const std::string& description) {
  if (type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT")) return Value::number;
  if (description.starts_with("folder") || name == "run") return Value::folder;
  if (description.starts_with("file") ||
      one_of(name, {"output", "config", "data", "raw", "file", "files", "fixture", "per-user"})) {
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

std::string name_of(const CLI::Option& option) {
  if (!option.nonpositional()) return option.get_name();
  return option.get_lnames().empty() ? "" : option.get_lnames().front();
}

Value kind_of(const CLI::Option& option) {
  return kind_of(name_of(option), option.get_type_name(), option.get_description());
}

Flag describe_flag(const CLI::Option& option, const std::string& command) {
  Flag flag;
  flag.description = option.get_description();
  flag.group = option.get_group();
  for (const auto& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) flag.names.push_back("--" + name);
  if (option.get_items_expected_max() == 0) return flag;
  const std::string type = option.get_type_name();
  flag.value_optional = option.get_items_expected_min() == 0;
  flag.choices = choices_in(type);
  if (type == "true|false") flag.choices = {"true", "false"};
  if (flag.choices.empty()) flag.choices = known_values(command, name_of(option));
  flag.value = flag.choices.empty() ? kind_of(option) : Value::choice;
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
      command.flags.push_back(describe_flag(*option, path));
    } else {
      command.arguments.push_back(
          {name_of(*option), option->get_description(), option->get_required(), kind_of(*option)});
    }
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_group().empty()) continue;
    command.commands.push_back(describe(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name()));
  }
  return command;
}

class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::string command) : command_(std::move(command)) {}

 private:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->nonpositional()) return "";
    const Flag flag = describe_flag(*option, command_);
    std::string text = flag.value == Value::none ? ""
                       : flag.value_optional     ? " [" + flag.value_name + "]"
                                                 : " " + flag.value_name;
    if (option->get_required()) text += " REQUIRED";
    return text;
  }

  std::string command_;
};

void show_values(CLI::App& app, const std::string& path) {
  app.formatter(std::make_shared<HelpFormatter>(path));
  for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    show_values(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name());
  }
}

}  // namespace

void show_values_as_the_manual(CLI::App& app) { show_values(app, ""); }

Command command_tree(const CLI::App& app) { return describe(app, ""); }

void refuse_empty_paths(CLI::App& app) {
  for (CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_paths(*sub);
  for (CLI::Option* option : app.get_options()) {
    const Value kind = kind_of(*option);
    if (kind == Value::file || kind == Value::folder) option->check(not_empty("a path"));
  }
}

std::vector<const Command*> flatten(const Command& root) {
  std::vector<const Command*> all{&root};
  for (const auto& sub : root.commands) {
    for (const Command* below : flatten(sub)) all.push_back(below);
  }
  return all;
}

}  // namespace lrurec::command
