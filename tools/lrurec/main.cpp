// The lrurec command: results on stdout, everything else on stderr, documented exit codes.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <sstream>

#include "lrurec/util/suggest.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {
namespace {

constexpr const char* teaching = R"(lrurec: linear recurrent units for sequential recommendation

  lrurec prepare --demo -o demo.lrd                 make a demonstration data set
  lrurec prepare ratings.inter -o data.lrd          or one from your own logs
  lrurec train data.lrd -o run --preset ml-1m       train a model
  lrurec evaluate run                               full-ranking test metrics
  lrurec check grad                                 is every gradient right?

`lrurec COMMAND --help` tells more. Exit codes: 0 ok, 1 internal, 2 usage, 3 data, 4 dataset or checkpoint file,
5 input/output, 6 non-finite numbers, 7 out of memory, 8 a check failed, 130/143 interrupted after saving.
)";

std::string full_command_line;

/// The subcommand that the arguments were meant for, as deep as they name one.
const CLI::App* addressed(const CLI::App& app, int argc, char** argv) {
  const CLI::App* current = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    for (const CLI::App* sub : current->get_subcommands([](const CLI::App*) { return true; })) {
      if (sub->get_name() == word) {
        current = sub;
        break;
      }
    }
  }
  return current;
}

/// "unknown flag --epcohs; did you mean '--epochs'?" for what CLI11 could not place.
std::string explain_extra(const CLI::App& app, const CLI::ExtrasError& error, int argc, char** argv) {
  // The message ends with the words that were left over, the last one typed first.
  const std::string message = error.what();
  std::istringstream words(
      message.substr(message.find(": ") == std::string::npos ? 0 : message.find(": ") + 2));
  std::string word;
  for (std::string next; words >> next;) {
    if (!word.starts_with('-') || next.starts_with('-')) word = next;
  }
  const CLI::App* place = addressed(app, argc, argv);
  std::vector<std::string> known;
  if (word.starts_with('-')) {
    for (const CLI::Option* option : place->get_options()) {
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
    }
    return fmt::format("unknown flag {}{}", word, util::suggestion(word.substr(0, word.find('=')), known));
  }
  for (const CLI::App* sub : place->get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(sub->get_name());
  }
  return fmt::format("unknown {} '{}'{}", known.empty() ? "argument" : "command", word,
                     util::suggestion(word, known));
}

int fail_with(int code, const std::string& message) {
  fmt::print(stderr, "lrurec: error: {}\n", message);
  return code;
}

int run(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) full_command_line += (i > 0 ? " " : "") + std::string(argv[i]);
  CLI::App app("Linear recurrent units for sequential recommendation", "lrurec");
  app.set_version_flag("--version", "lrurec " LRUREC_VERSION);
  app.require_subcommand(0, 1);
  add_prepare(app);
  add_train(app);
  add_evaluate(app);
  add_check(app);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) fmt::print("{}", teaching);
    return interrupted_by();
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ExtrasError& e) {
    return fail_with(2, explain_extra(app, e, argc, argv));
  } catch (const CLI::ParseError& e) {
    return fail_with(
        2, fmt::format("{} (see lrurec {} --help)", e.what(), addressed(app, argc, argv)->get_name()));
  } catch (const Error& e) {
    return fail_with(e.exit_code(), e.what());
  } catch (const std::bad_alloc&) {
    return fail_with(7, "out of memory; try a smaller --batch-size");
  } catch (const std::exception& e) {
    return fail_with(1, fmt::format("internal: {}", e.what()));
  }
}

/// Threads that wait by spinning stop each other as soon as two runs share the cores: six times slower.
/// Sleeping costs a run that is alone nothing measurable. OpenMP reads its settings before main() begins, so
/// start again with this one set; a value that the user has set is left as it is.
void let_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || ::setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  ::execv("/proc/self/exe", argv);  // returns only if it could not; then we go on as we are
}

}  // namespace

const std::string& command_line() { return full_command_line; }

}  // namespace lrurec::command

int main(int argc, char** argv) {
  lrurec::command::let_threads_sleep(argv);
  return lrurec::command::run(argc, argv);
}
