// lrurec completion and lrurec man: hidden, for packages and for those who know.

#include <fmt/format.h>

#include <memory>

#include "tools/lrurec/command_tree.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {

void add_shell_support(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand("completion", "Print completion code for a shell")->group("");
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&app, shell] {
    const Command tree = command_tree(app);
    print_out("{}", *shell == "bash"  ? bash_completion(tree)
                    : *shell == "zsh" ? zsh_completion(tree)
                                      : fish_completion(tree));
  });
  CLI::App* man = app.add_subcommand("man", "Print the manual page (roff)")->group("");
  man->callback([&app] { print_out("{}", man_page(command_tree(app))); });
}

}  // namespace lrurec::command
