#include "ops/complex/complex.h"
#include "ops/elementwise/elementwise.h"
#include "ops/elementwise/rows.h"
#include "ops/gradient_cases/cases.h"

namespace lrurec::ops {
namespace {

using Unary = Variable (*)(const Variable&);
using Binary = Variable (*)(const Variable&, const Variable&);

void unary(Cases& cases, const std::string& name, Unary f, Values values, bool with_complex,
           Values complex_values = Values::normal) {
  const auto function = [f](const Variables& x) { return Variables{f(x[0])}; };
  cases.push_back({name, "", {{{3, 5}, false, values}}, function});
  cases.push_back({name, "one element", {{{}, false, values}}, function});
  cases.push_back({name, "empty", {{{0, 3}, false, values}}, function});
  if (with_complex) cases.push_back({name, "complex", {{{3, 5}, true, complex_values}}, function});
}

void binary(Cases& cases, const std::string& name, Binary f, Values values, bool with_complex) {
  const auto function = [f](const Variables& x) { return Variables{f(x[0], x[1])}; };
  const auto add = [&](const std::string& variant, InputSpec a, InputSpec b) {
    a.values = b.values = values;
    cases.push_back({name, variant, {a, b}, function});
  };
  add("", {{3, 4}}, {{3, 4}});
  add("row", {{3, 4}}, {{4}});
  add("column", {{3, 1}}, {{3, 4}});
  add("both stretched", {{2, 1, 4}}, {{3, 1}});
  add("scalar", {{}}, {{2, 3}});
  add("empty", {{0, 4}}, {{4}});
  if (!with_complex) return;
  add("complex", {{3, 4}, true}, {{3, 4}, true});
  add("complex with real row", {{3, 4}, true}, {{4}});
  add("real with complex column", {{3, 4}}, {{3, 1}, true});
}

/// Where real inputs must be positive, complex ones must keep away from the branch point at 0.
Values complex_values(Values real) { return real == Values::positive ? Values::away_from_zero : real; }

}  // namespace

void add_elementwise_cases(Cases& cases) {
#define UNARY(NAME, KINDS, VALUES, F, DF) \
  unary(cases, #NAME, NAME, Values::VALUES, formulas::NAME##_row::complex, complex_values(Values::VALUES));
#include "ops/elementwise/unary.inc"
#define BINARY(NAME, KINDS, VALUES, F, DFA, DFB) \
  binary(cases, #NAME, NAME, Values::VALUES, formulas::NAME##_row::complex);
#include "ops/elementwise/binary.inc"

  cases.push_back({"mul", "an input used twice", {{{3, 4}}, {{3, 4}}}, [](const Variables& x) {
                     return Variables{x[0] * x[1] + x[0] * 3.0 + x[0]};
                   }});
  cases.push_back({"mul", "one tensor as both factors", {{{3, 4}, true}}, [](const Variables& x) {
                     return Variables{x[0] * x[0]};
                   }});

  cases.push_back({"complex", "", {{{3, 4}}, {{3, 4}}}, [](const Variables& x) {
                     return Variables{square(complex(x[0], x[1]))};
                   }});
  cases.push_back(
      {"polar", "", {{{5}}, {{5}}}, [](const Variables& x) { return Variables{polar(x[0], x[1])}; }});
  cases.push_back(
      {"to_complex", "", {{{3, 4}}}, [](const Variables& x) { return Variables{to_complex(x[0])}; }});
  // For a real input it is the input itself, and records nothing.
  for (const std::int64_t rows : {3, 0}) {
    cases.push_back(
        {"real", rows > 0 ? "complex" : "complex, empty", {{{rows, 4}, true}}, [](const Variables& x) {
           return Variables{real(x[0])};
         }});
  }
  cases.push_back(
      {"imag", "complex", {{{3, 4}, true}}, [](const Variables& x) { return Variables{imag(x[0])}; }});
  // For a real input conj is the input itself, and records nothing.
  for (const std::int64_t rows : {3, 0}) {
    cases.push_back(
        {"conj", rows > 0 ? "complex" : "complex, empty", {{{rows, 4}, true}}, [](const Variables& x) {
           return Variables{conj(x[0])};
         }});
  }
  unary(cases, "abs", abs, Values::away_from_zero, true, Values::away_from_zero);
  unary(cases, "angle", angle, Values::away_from_zero, true, Values::positive);
  cases.push_back({"view_as_real", "", {{{3, 4}, true}}, [](const Variables& x) {
                     return Variables{square(view_as_real(x[0]))};
                   }});
  cases.push_back({"view_as_complex", "", {{{3, 4, 2}}}, [](const Variables& x) {
                     return Variables{square(view_as_complex(x[0]))};
                   }});
}

}  // namespace lrurec::ops
