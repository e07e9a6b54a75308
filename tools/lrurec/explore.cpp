// lrurec explore: a trained LRURec on a page to play with.

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "lrurec/explore/explore.h"
#include "lrurec/serve/catalogue.h"
#include "lrurec/util/text.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"
#include "tools/lrurec/validators.h"

namespace lrurec::command {
namespace {

struct ExploreOptions {
  std::string run, data, checkpoint = "best", output;
  std::vector<std::string> users;
};

constexpr std::int64_t default_examples = 20;

/// The users that were asked for, or the first of the data set.
std::vector<explore::Example> examples_of(const train::LoadedRun& run,
                                          const std::vector<std::string>& names) {
  const serve::Catalogue catalogue(run.data);
  std::vector<std::int64_t> users;
  const auto add = [&](const std::string& name) {
    const auto user = catalogue.user(name);
    if (!user) {
      fail(ErrorKind::data, "user '{}' is not in the data set, whose first is '{}'", util::printable(name),
           util::printable(run.data.user_name(0)));
    }
    users.push_back(*user);
  };
  for (const auto& text : names) {
    // A comma may be part of an id.
    const auto ids = catalogue.user(text) ? std::vector{text} : trimmed_ids(CLI::detail::split(text, ','));
    for (const auto& id : ids) add(id);
  }
  for (std::int64_t user = 0; names.empty() && user < std::min(default_examples, run.data.users()); ++user) {
    users.push_back(user);
  }
  std::vector<explore::Example> examples;
  for (const auto user : users) {
    const data::Items items = run.data.sequence(user);
    if (!items.empty())
      examples.push_back({std::string(run.data.user_name(user)), {items.begin(), items.end()}});
  }
  if (examples.empty()) fail(ErrorKind::data, "no user of the data set has an item");
  return examples;
}

void run_explore(const ExploreOptions& options) {
  std::filesystem::path output = options.output;
  if (output.empty()) output = std::filesystem::path(options.run) / "explore.html";
  refuse_unless_page(output);
  const auto run = train::load_run({options.run, options.data, options.checkpoint, {}});
  const std::string page = explore::page(explore::describe(run, examples_of(run, options.users)));
  nn::write_file_atomically(output, {nn::as_bytes(page)});
  print_out("{} ({:.1f} MB)\n", output.string(), 1e-6 * static_cast<double>(page.size()));
}

}  // namespace

void add_explore(CLI::App& app) {
  auto options = std::make_shared<ExploreOptions>();
  CLI::App* sub = app.add_subcommand(
      "explore",
      "One HTML page to play with a trained LRURec: histories, eigenvalues, the scan; needs no network");
  sub->add_option("run", options->run, "folder of the run")->required();
  sub->add_option("-o,--output", options->output, "file to write; default: explore.html in the run's folder");
  sub->add_option("--user", options->users,
                  "users whose histories the page offers, such as 196,22; an id with a comma in a --user of "
                  "its own; default: the first 20")
      ->allow_extra_args(false);  // or CLI11 would take an id in square brackets for a list
  sub->add_option("--data", options->data, "the data set file, where it moved since training");
  sub->add_option("--checkpoint", options->checkpoint, "best (default), last or previous")
      ->check(CLI::IsMember({"best", "last", "previous"}));
  sub->callback([options] { run_explore(*options); });
}

}  // namespace lrurec::command
