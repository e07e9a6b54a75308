// The lrurec command: results on stdout, everything else on stderr, documented exit codes.

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <sstream>
#include <system_error>

#include "lrurec/util/builds.h"
#include "lrurec/util/suggest.h"
#include "ops/matmul/blas_info.h"
#include "tensor/error.h"
#include "tools/lrurec/address_space.h"
#include "tools/lrurec/bench_support.h"
#include "tools/lrurec/command_tree.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/signals.h"

namespace lrurec::command {
namespace {

constexpr const char* teaching = R"(lrurec: linear recurrent units for sequential recommendation

  lrurec prepare ratings.csv -o data.lrd            raw logs -> a data set (none at hand? prepare --demo -o data.lrd)
  lrurec data stats data.lrd                        what is it like? does the order of items matter?
  lrurec train data.lrd -o run --preset small       train a model; Ctrl-C saves, --resume continues
  lrurec evaluate run                               full-ranking test metrics beside baselines
  lrurec sweep grid.toml -o sweep                   many settings, several seeds, the best by validation
  lrurec reproduce table3 --data ml-1m=m.lrd -o r   the paper's tables and figures beside ours
  lrurec compare run other                          is the difference more than chance?
  lrurec report run                                 one HTML page about a run
  lrurec explore run                                one to play with: histories, eigenvalues, the scan
  lrurec recommend run --user 196                   the best next items; or --items 1,50,181
  lrurec session run < events                       recommendations after every event
  lrurec export run -o weights.safetensors          weights for other tools; lrurec import brings some in

  lrurec explain eq 5                               from the paper to the code and its tests
  lrurec inspect eigen run                          look inside a model; also memory, scan, summary
  lrurec check grad                                 is every gradient right?

`lrurec help COMMAND` tells more. Exit codes: 0 ok, 1 internal, 2 usage, 3 data, 4 dataset or checkpoint file,
5 input/output, 6 non-finite numbers, 7 out of memory, 8 a check failed, 129/130/143 interrupted after
saving, 141 the reader of the output ended first.
Results go to standard output (--json for programs), all else to standard error (--quiet, --verbose); no colours.
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

/// Where a command takes several folders, CLI11 would take "[a]" for a list of one. Such a folder is passed
/// on as "./[a]". The returned texts are those that argv then points to, so they must outlive it.
std::vector<std::string> keep_folders_in_brackets(int argc, char** argv) {
  std::vector<std::string> folders(static_cast<std::size_t>(argc));
  if (argc < 2 || (argv[1] != std::string_view("compare") && argv[1] != std::string_view("report")))
    return folders;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with('[') || !word.ends_with(']')) continue;
    std::string& folder = folders[static_cast<std::size_t>(i)];
    folder = fmt::format("./{}", word);
    argv[i] = folder.data();
  }
  return folders;
}

/// "lrurec inspect scan": the words that lead to a subcommand.
std::string words_of(const CLI::App* app) {
  std::string words = app->get_name();
  while ((app = app->get_parent()) != nullptr) words.insert(0, app->get_name() + " ");
  return words;
}

/// "unknown flag --epcohs; did you mean '--epochs'?" for the first word that no option or command knows, or
/// "" where every word is known. CLI11 itself complains about a missing option before a misspelt one.
std::string explain_unknown(const CLI::App& app, int argc, char** argv) {
  const CLI::App* place = addressed(app, argc, argv);
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::vector<std::string> commands, flags;
  for (const CLI::App* sub : place->get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(sub->get_name());
  }
  // A misspelt command explains the flags after it, so it comes first.
  auto after = place == &app ? words.begin() : std::find(words.begin(), words.end(), place->get_name()) + 1;
  const auto command =
      std::find_if(after, words.end(), [](const auto& word) { return !word.starts_with('-'); });
  if (!commands.empty() && command != words.end()) {
    return fmt::format("unknown command '{}'{}", *command, util::suggestion(*command, commands));
  }
  std::string short_flags;
  for (const CLI::Option* option : place->get_options()) {
    for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
    for (const auto& name : option->get_snames()) short_flags += name;
  }
  for (; after != words.end() && *after != "--"; ++after) {
    const std::string name = after->substr(0, after->find('='));
    const bool is_long = name.starts_with("--");
    const bool is_short = !is_long && name.size() > 1 && name[0] == '-' &&
                          std::isalpha(static_cast<unsigned char>(name[1])) != 0;
    if ((is_long && std::find(flags.begin(), flags.end(), name) == flags.end()) ||
        (is_short && short_flags.find(name[1]) == std::string::npos)) {
      return fmt::format("unknown flag {}{}", name, util::suggestion(name, flags));
    }
  }
  return "";
}

/// What to say about a command line that CLI11 refused.
std::string explain(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (const std::string unknown = explain_unknown(app, argc, argv); !unknown.empty()) return unknown;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto left_over = app.remaining(/*recurse=*/true);
    if (!left_over.empty()) return fmt::format("unknown argument '{}'", left_over.front());
  }
  return fmt::format("{} (see {} --help)", error.what(), words_of(addressed(app, argc, argv)));
}

/// "lrurec help train" becomes "lrurec train --help". Returns whether help was asked for so.
bool take_help_as_a_flag(int argc, char** argv) {
  static char flag[] = "--help";
  if (argc < 2 || argv[1] != std::string_view("help")) return false;
  std::rotate(argv + 1, argv + 2, argv + argc);
  argv[argc - 1] = flag;
  return true;
}

/// Adds --quiet and --verbose to every command that does something.
void add_verbosity(CLI::App& app) {
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (CLI::App* sub : below) add_verbosity(*sub);
  if (!below.empty() || app.get_group().empty()) return;  // it only leads to others, or is hidden
  auto* quiet = app.add_flag_callback(
      "-q,--quiet", [] { verbosity = Verbosity::quiet; }, "nothing on stderr but warnings and errors");
  app.add_flag_callback(
         "-v,--verbose", [] { verbosity = Verbosity::verbose; },
         "print also the resources used and how long each part took")
      ->excludes(quiet);
}

int fail_with(int code, const std::string& message) {
  warn("error: {}", message);
  return code;
}

constexpr const char* unwritten = "cannot write the results to standard output";

constexpr int reader_gone = 128 + SIGPIPE;

/// Results lost on a full disk are an error. A reader that has seen enough (| head) gets no message: the exit
/// code is that of a program which the closed pipe ended. After a signal the exit code stays as it is: the
/// terminal that went away took the output with it.
int finish_output(int code) {
  const int error = flush_output();
  if (error == 0) return code;
  const int lost =
      error == EPIPE ? reader_gone : fail_with(5, fmt::format("{}: {}", unwritten, std::strerror(error)));
  return interrupted_by() != 0 && code != 0 ? code : lost;
}

int run(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) full_command_line += (i > 0 ? " " : "") + std::string(argv[i]);
  CLI::App app("Linear recurrent units for sequential recommendation", "lrurec");
  app.set_version_flag("--version", "lrurec " LRUREC_VERSION);
  app.require_subcommand(0, 1);
  add_prepare(app);
  add_data(app);
  add_train(app);
  add_sweep(app);
  add_reproduce(app);
  add_evaluate(app);
  add_compare(app);
  add_report(app);
  add_inspect(app);
  add_explore(app);
  add_explain(app);
  add_recommend(app);
  add_session(app);
  add_config(app);
  add_export(app);
  add_import(app);
  add_check(app);
  add_bench(app);
  add_shell_support(app);
  add_verbosity(app);
  add_examples(app);
  refuse_empty_paths(app);
  show_values_as_the_manual(app);
  app.footer(std::string("\n") + teaching);
  const bool asks_for_help = take_help_as_a_flag(argc, argv);
  const std::vector<std::string> folders = keep_folders_in_brackets(argc, argv);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) print_out("{}", teaching);
    print_resources();
    return finish_output(interrupted_by());
  } catch (const CLI::Success& help) {
    const std::string unknown = asks_for_help ? explain_unknown(app, argc, argv) : "";
    if (!unknown.empty()) return fail_with(2, unknown);
    std::ostringstream text;
    const int code = app.exit(help, text);
    write_out(text.str());
    return finish_output(code);
  } catch (const CLI::ParseError& e) {
    return fail_with(2, explain(app, e, argc, argv));
  } catch (const Error& e) {
    fail_with(e.exit_code(), e.what());
    return finish_output(e.exit_code());
  } catch (const std::bad_alloc&) {
    const std::string command = addressed(app, argc, argv)->get_name();
    return fail_with(
        7, fmt::format("out of memory: {:.0f} MB were in use at most, and the system gave no more{}",
                       peak_memory_bytes() / 1e6, command == "train" ? "; try a smaller --batch-size" : ""));
  } catch (const std::system_error& e) {  // a file system's refusal, a full disk behind stdout
    return fail_with(5, e.what());
  } catch (const std::exception& e) {
    return fail_with(1, fmt::format("internal: {}", e.what()));
  }
}

/// If a standard stream is closed, the next file that is opened gets its number, and messages would land in
/// that file. With /dev/null there instead, reading finds nothing and writing fails as before.
void occupy_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF)
      (void)::open("/dev/null", O_RDONLY);  // takes the lowest number
  }
}

/// The build of a package that fits this processor better, or "".
std::string better_build() {
  std::error_code none;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", none);
  return none ? "" : util::better_build(program, util::compiled_for(), util::processor_vectors()).string();
}

}  // namespace

const std::string& command_line() { return full_command_line; }

}  // namespace lrurec::command

int main(int argc, char** argv) {
  lrurec::command::occupy_standard_streams();
  ::signal(SIGPIPE,
           SIG_IGN);  // a reader that is gone is an error of writing: states and checkpoints are still saved
  lrurec::ops::restart_tuned(argv, lrurec::command::better_build());
  lrurec::command::claim_blas_buffers();
  const int code = lrurec::command::run(argc, argv);
  lrurec::command::flush_output();  // results of before an error
  return code;
}
