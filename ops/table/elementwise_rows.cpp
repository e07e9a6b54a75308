#include "ops/complex/complex.h"
#include "ops/elementwise/elementwise.h"
#include "ops/table/rows.h"

namespace lrurec::ops {
namespace {

using Unary = Variable (*)(const Variable&);
using Binary = Variable (*)(const Variable&, const Variable&);

void unary(Rows& rows, const std::string& name, Unary f, Values values, bool with_complex,
           Values complex_values = Values::normal) {
  const auto function = [f](const Variables& x) { return Variables{f(x[0])}; };
  rows.push_back({name, "", {{{3, 5}, false, values}}, function});
  rows.push_back({name, "one element", {{{}, false, values}}, function});
  rows.push_back({name, "empty", {{{0, 3}, false, values}}, function});
  if (with_complex) rows.push_back({name, "complex", {{{3, 5}, true, complex_values}}, function});
}

void binary(Rows& rows, const std::string& name, Binary f, Values second) {
  const auto function = [f](const Variables& x) { return Variables{f(x[0], x[1])}; };
  const auto add = [&](const std::string& variant, InputSpec a, InputSpec b) {
    b.values = second;
    rows.push_back({name, variant, {a, b}, function});
  };
  add("", {{3, 4}}, {{3, 4}});
  add("row", {{3, 4}}, {{4}});
  add("column", {{3, 1}}, {{3, 4}});
  add("both stretched", {{2, 1, 4}}, {{3, 1}});
  add("scalar", {{}}, {{2, 3}});
  add("empty", {{0, 4}}, {{4}});
  add("complex", {{3, 4}, true}, {{3, 4}, true});
  add("complex with real row", {{3, 4}, true}, {{4}});
  add("real with complex column", {{3, 4}}, {{3, 1}, true});
}

}  // namespace

void add_elementwise_rows(Rows& rows) {
  unary(rows, "neg", neg, Values::normal, true);
  unary(rows, "exp", exp, Values::normal, true);
  unary(rows, "log", log, Values::positive, true, Values::away_from_zero);
  unary(rows, "sqrt", sqrt, Values::positive, true, Values::away_from_zero);
  unary(rows, "square", square, Values::normal, true);
  unary(rows, "reciprocal", reciprocal, Values::away_from_zero, true, Values::away_from_zero);
  unary(rows, "sin", sin, Values::normal, true);
  unary(rows, "cos", cos, Values::normal, true);
  unary(rows, "tanh", tanh, Values::normal, true);
  unary(rows, "sigmoid", sigmoid, Values::normal, false);
  unary(rows, "relu", relu, Values::away_from_zero, false);
  unary(rows, "gelu", gelu, Values::normal, false);

  binary(rows, "add", add, Values::normal);
  binary(rows, "sub", sub, Values::normal);
  binary(rows, "mul", mul, Values::normal);
  binary(rows, "div", div, Values::away_from_zero);
  rows.push_back({"mul", "an input used twice", {{{3, 4}}, {{3, 4}}}, [](const Variables& x) {
                    return Variables{x[0] * x[1] + x[0] * 3.0 + x[0]};
                  }});
  rows.push_back({"mul", "one tensor as both factors", {{{3, 4}, true}}, [](const Variables& x) {
                    return Variables{x[0] * x[0]};
                  }});

  rows.push_back({"complex", "", {{{3, 4}}, {{3, 4}}}, [](const Variables& x) {
                    return Variables{square(complex(x[0], x[1]))};
                  }});
  rows.push_back(
      {"polar", "", {{{5}}, {{5}}}, [](const Variables& x) { return Variables{polar(x[0], x[1])}; }});
  rows.push_back(
      {"to_complex", "", {{{3, 4}}}, [](const Variables& x) { return Variables{to_complex(x[0])}; }});
  unary(rows, "real", real, Values::normal, true);
  rows.push_back(
      {"imag", "complex", {{{3, 4}, true}}, [](const Variables& x) { return Variables{imag(x[0])}; }});
  unary(rows, "conj", conj, Values::normal, true);
  unary(rows, "abs", abs, Values::away_from_zero, true, Values::away_from_zero);
  rows.push_back({"view_as_real", "", {{{3, 4}, true}}, [](const Variables& x) {
                    return Variables{square(view_as_real(x[0]))};
                  }});
  rows.push_back({"view_as_complex", "", {{{3, 4, 2}}}, [](const Variables& x) {
                    return Variables{square(view_as_complex(x[0]))};
                  }});
}

}  // namespace lrurec::ops
