// lrurec report: runs -> one HTML page.

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "lrurec/report/report.h"
#include "nn/serialization/atomic_file.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string output;
  bool json = false;
};

void run_report(const ReportOptions& options) {
  if (options.json && !options.output.empty()) {
    fail(ErrorKind::usage, "--json prints to standard output and makes no page; leave out -o");
  }
  std::vector<nlohmann::json> runs;
  for (const auto& folder : options.runs) {
    runs.push_back(report::describe(train::RunFolder::open(folder)));
    if (const auto& run = runs.back(); run.contains("warning")) {
      warn("warning: {}", run["warning"].get<std::string>());
    }
  }
  report::name_apart(runs, {options.runs.begin(), options.runs.end()});
  if (options.json) {
    print_json(nlohmann::json(runs));
    return;
  }
  std::filesystem::path output = options.output;
  if (output.empty()) output = options.runs.size() > 1 ? "report.html" : options.runs[0] + "/report.html";
  refuse_unless_page(output);
  const std::string page = report::page(runs);
  nn::write_file_atomically(output, {nn::as_bytes(page)});
  print_out("{}\n", output.string());
}

}  // namespace

void add_report(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* sub =
      app.add_subcommand("report", "One HTML page about runs: metrics, curves, eigenvalues, settings");
  sub->add_option("run", options->runs, "folder of the run, or of several to set side by side")->required();
  sub->add_option("-o,--output", options->output,
                  "file to write; default: report.html in the run's folder, of several runs in this one");
  sub->add_flag("--json", options->json, "print what the page would say as JSON instead");
  sub->callback([options] { run_report(*options); });
}

}  // namespace lrurec::command
