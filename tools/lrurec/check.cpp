// lrurec check: parity with the published model, and gradients.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "lrurec/check/gradients.h"
#include "lrurec/check/parity.h"
#include "ops/table/operation_table.h"
#include "tensor/error.h"
#include "tools/lrurec/commands.h"
#include "tools/lrurec/output.h"

namespace lrurec::command {
namespace {

struct ParityOptions {
  std::string fixture, precision = "f32";
  bool json = false;
};

void run_parity(const ParityOptions& options) {
  const DType precision = options.precision == "f64" ? DType::f64 : DType::f32;
  const auto report = check::check_parity(options.fixture, precision);
  std::int64_t failures = 0;
  nlohmann::json json{{"fixture", options.fixture}, {"precision", options.precision}, {"ok", report.ok()}};
  std::vector<std::vector<std::string>> rows{{"largest difference of", "found", "allowed", ""}};
  for (const auto& line : report.lines) {
    failures += line.ok() ? 0 : 1;
    rows.push_back({line.name, fmt::format("{:.2e}", line.difference), fmt::format("{:.0e}", line.tolerance),
                    line.ok() ? "ok" : "DIFFERS"});
    json["differences"].push_back({{"name", line.name},
                                   {"difference", line.difference},
                                   {"tolerance", line.tolerance},
                                   {"ok", line.ok()}});
  }
  if (options.json) {
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{}(logits absolute, loss relative, gradients relative to their norm)\n", table(rows));
  }
  if (failures > 0) {
    fail(ErrorKind::check_failed, "{}: {} of {} comparisons differ", options.fixture, failures,
         report.lines.size());
  }
}

struct GradOptions {
  std::string only;
  bool json = false;
};

void run_grad(const GradOptions& options) {
  std::int64_t cases = 0, failures = 0;
  nlohmann::json json = nlohmann::json::array();
  const auto show = [&](const std::string& name, const GradcheckReport& report) {
    ++cases;
    failures += report ? 0 : 1;
    json.push_back({{"case", name},
                    {"ok", report.ok},
                    {"derivatives", report.checked},
                    {"largest_error", report.max_error},
                    {"mismatches", report.mismatches.size()}});
    if (!options.json) fmt::print("{}\n", report.str(name));
  };
  for (const auto& row : ops::operation_table()) {
    if (row.name().find(options.only) != std::string::npos) show(row.name(), ops::check_gradients(row));
  }
  if (options.only.empty() || std::string("LRURec").find(options.only) != std::string::npos) {
    for (const auto& [name, report] : check::check_model_gradients()) show(name, report);
  }
  if (cases == 0)
    fail(ErrorKind::usage, "no case has '{}' in its name; lrurec check grad lists all", options.only);
  if (options.json) fmt::print("{}\n", json.dump(2));
  if (failures > 0) fail(ErrorKind::check_failed, "{} of {} gradient checks failed", failures, cases);
  if (!options.json) fmt::print("{} cases, all gradients agree with central differences\n", cases);
}

}  // namespace

void add_check(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("check", "Check this build: parity with the published model, gradients");
  sub->require_subcommand(1);

  auto parity = std::make_shared<ParityOptions>();
  CLI::App* parity_sub =
      sub->add_subcommand("parity", "Compare logits, loss and every gradient with a fixture");
  parity_sub->add_option("fixture", parity->fixture, "safetensors file (docs/parity.md)")->required();
  parity_sub->add_option("--precision", parity->precision, "f32 (default) or f64")
      ->check(CLI::IsMember({"f32", "f64"}));
  parity_sub->add_flag("--json", parity->json, "print one JSON object");
  parity_sub->callback([parity] { run_parity(*parity); });

  auto grad = std::make_shared<GradOptions>();
  CLI::App* grad_sub =
      sub->add_subcommand("grad", "Check every operation and the model against central differences");
  grad_sub->add_option("--only", grad->only, "cases whose name contains this");
  grad_sub->add_flag("--json", grad->json, "print a JSON array");
  grad_sub->callback([grad] { run_grad(*grad); });
}

}  // namespace lrurec::command
