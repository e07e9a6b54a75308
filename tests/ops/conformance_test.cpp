// Values and gradients against PyTorch's, recorded by tools/reference/conformance.py; see
// docs/conformance.md.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>

#include "tests/ops/conformance_cases.h"
#include "tests/ops/conformance_exceptions.h"
#include "tests/ops/conformance_functions.h"
#include "tests/support/files.h"

namespace lrurec::test {
namespace {

/// What an exception is about.
struct Kind {
  std::string function, numbers, part, flavour, kind;
  bool operator<(const Kind& other) const { return tied() < other.tied(); }
  std::tuple<const std::string&, const std::string&, const std::string&, const std::string&,
             const std::string&>
  tied() const {
    return {function, numbers, part, flavour, kind};
  }
  std::string str() const {
    return fmt::format("{}, {} {}, {} inputs: {}", function, numbers, part, flavour, kind);
  }
};
struct Seen {
  int count = 0;
  std::string example;
};
using Disagreements = std::map<Kind, Seen>;

RecordedCases::Json arguments_of(const RecordedCases::Json& one) {
  return one.value("args", RecordedCases::Json::object());
}

/// Outputs, then the gradients of the inputs that have one.
struct Computed {
  Tensors values, gradients;
};
Computed compute(const RecordedCases::Json& one, std::int64_t seed, const Tensors& inputs) {
  const auto& function = conforming_functions().at(one["f"]);
  Variables x;
  for (const Tensor& input : inputs) x.emplace_back(input, is_inexact(input.dtype()));
  const Variables outputs = function.compute(x, arguments_of(one));
  Computed result;
  Variables ends;
  Tensors seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result.values.push_back(outputs[i].value());
    if (!outputs[i].requires_grad()) continue;
    ends.push_back(outputs[i]);
    seeds.push_back(cotangent(seed, static_cast<std::int64_t>(i), outputs[i].value()));
  }
  if (ends.empty()) return result;
  backward(ends, seeds);
  for (const Variable& input : x) {
    if (!is_inexact(input.dtype())) continue;
    result.gradients.push_back(input.grad().defined() ? input.grad()
                                                      : Tensor::zeros(input.shape(), input.dtype()));
  }
  return result;
}

std::string described(const RecordedCases::Json& one, const Tensors& inputs) {
  std::string text = fmt::format("{} {}", one["f"].get<std::string>(), arguments_of(one).dump());
  for (const Tensor& input : inputs) text += "\n    of " + input.str();
  return text;
}

Disagreements disagreements_of(const RecordedCases& file) {
  Disagreements all;
  std::int64_t place = 0;
  for (const auto& one : file.cases()) {
    Tensors inputs;
    for (const auto& input : one["in"]) inputs.push_back(file.input(input));
    const bool complex =
        std::any_of(inputs.begin(), inputs.end(), [](const Tensor& x) { return is_complex(x.dtype()); });
    const auto note = [&](const char* part, const std::string& kind, const std::string& where) {
      Seen& seen = all[{one["f"], complex ? "complex" : "real", part, one["flavour"], kind}];
      if (seen.count++ == 0) seen.example = where + "\n    " + described(one, inputs);
    };
    Computed ours;
    try {
      ours = compute(one, place++, inputs);
    } catch (const Error& e) {
      note("value", "an error here", e.what());
      continue;
    }
    const auto check = [&](const char* part, std::size_t i, const Tensor& found, const auto& expected) {
      // That of a sum depends on how it was taken, and gradients are sums.
      const bool sign_of_zero = part == std::string("value") && !one.value("sums", false) && !complex;
      for (const auto& [kind, where] : compare(found, expected, sign_of_zero)) {
        note(part, kind, fmt::format("{} {}, {}", part, i, where));
      }
    };
    EXPECT_EQ(ours.values.size(), one["out"].size()) << described(one, inputs);
    for (std::size_t i = 0; i < ours.values.size(); ++i) {
      check("value", i, ours.values[i], file.output(one["out"].at(i)));
    }
    Tensors differentiable;
    for (const Tensor& x : inputs) {
      if (is_inexact(x.dtype())) differentiable.push_back(x);
    }
    EXPECT_EQ(ours.gradients.size(), one["grad"].size()) << described(one, inputs);
    for (std::size_t i = 0; i < ours.gradients.size(); ++i) {
      check("gradient", i, ours.gradients[i], file.gradient(one["grad"].at(i), differentiable[i]));
    }
  }
  return all;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool covers(const ConformanceException& exception, const Kind& kind) {
  return has(exception.functions, kind.function) && exception.numbers == kind.numbers &&
         exception.part == kind.part && has(exception.flavours, kind.flavour) &&
         has(exception.kinds, kind.kind);
}

void expect_listed(const Disagreements& found) {
  for (const auto& [kind, seen] : found) {
    const auto& table = conformance_exceptions();
    if (std::any_of(table.begin(), table.end(),
                    [&](const auto& exception) { return covers(exception, kind); }))
      continue;
    ADD_FAILURE() << kind.str() << ", " << seen.count << " times, such as\n  " << seen.example;
  }
}

/// Each function, flavour and kind of an exception must have been seen.
void expect_still_seen(const ConformanceException& exception, const Disagreements& found) {
  const auto expect = [&](const std::vector<std::string>& names, std::string Kind::*field) {
    for (const auto& name : names) {
      const bool seen = std::any_of(found.begin(), found.end(), [&](const auto& entry) {
        return covers(exception, entry.first) && entry.first.*field == name;
      });
      EXPECT_TRUE(seen) << "no longer seen: " << name << " of '" << exception.reason << "'";
    }
  };
  expect(exception.functions, &Kind::function);
  expect(exception.flavours, &Kind::flavour);
  expect(exception.kinds, &Kind::kind);
}

const RecordedCases& fixture() {
  static const RecordedCases file(source_folder() / "tests/fixtures/conformance.safetensors");
  return file;
}

TEST(Conformance, ValuesAndGradientsAreThoseOfPyTorchOrAListedException) {
  const Disagreements found = disagreements_of(fixture());
  expect_listed(found);
  for (const auto& exception : conformance_exceptions()) expect_still_seen(exception, found);
}

TEST(Conformance, OfCasesInTheFileThatTheEnvironmentNames) {
  const char* path = std::getenv("LRUREC_CONFORMANCE");
  if (path == nullptr) GTEST_SKIP() << "LRUREC_CONFORMANCE names no file of tools/reference/conformance.py";
  const RecordedCases file{path};
  EXPECT_FALSE(file.cases().empty());
  expect_listed(disagreements_of(file));
}

TEST(Conformance, EveryFunctionOfTheTableHasCases) {
  std::set<std::string> recorded, known;
  for (const auto& one : fixture().cases()) recorded.insert(one["f"]);
  for (const auto& [name, function] : conforming_functions()) {
    if (!without_namesake.contains(name)) known.insert(name);
  }
  EXPECT_EQ(recorded, known) << "a function that PyTorch has too needs a row in "
                                "tools/reference/conformance_table.py and its cases recorded "
                                "(tools/reference/conformance.py); any other stands in without_namesake "
                                "(tests/ops/conformance_functions.h)";
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

TEST(Conformance, ThePageHasTheCountsAndTheExceptions) {
  std::map<std::string, std::pair<std::set<std::string>, int>> groups;
  for (const auto& one : fixture().cases()) {
    auto& [functions, cases] = groups[conforming_functions().at(one["f"]).group];
    functions.insert(one["f"]);
    ++cases;
  }
  std::string counts = "| group | functions | cases |\n|---|---|---|\n";
  for (const auto& [group, seen] : groups) {
    counts += fmt::format("| {} | {} | {} |\n", group, seen.first.size(), seen.second);
  }
  std::string table = "| functions | of | inputs | what differs | why |\n|---|---|---|---|---|\n";
  for (const auto& e : conformance_exceptions()) {
    table += fmt::format("| {} | {} {} | {} | {} | {} |\n", joined(e.functions), e.numbers, e.part,
                         joined(e.flavours), joined(e.kinds), e.reason);
  }
  const std::string page = read_text(source_folder() / "docs/conformance.md");
  EXPECT_NE(page.find(counts + "\n"), std::string::npos) << "docs/conformance.md needs\n" << counts;
  EXPECT_NE(page.find(table + "\n"), std::string::npos) << "docs/conformance.md needs\n" << table;
}

}  // namespace
}  // namespace lrurec::test
