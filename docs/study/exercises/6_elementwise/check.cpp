#include "docs/study/exercises/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

using lrurec::c128;
using lrurec::Tensor;
using lrurec::Variable;
using lrurec::Variables;

constexpr std::int64_t rows = 3, columns = 4;
constexpr std::size_t count = rows * columns;
using Numbers = std::vector<c128>;

/// Within the unit disk, where the series converges.
Numbers numbers(std::uint64_t stream) {
  const lrurec::Philox random(1, stream);
  Numbers z;
  for (std::uint64_t i = 0; i < count; ++i) {
    z.push_back(0.8 * random.uniform(2 * i) * std::polar(1.0, 6.28 * random.uniform(2 * i + 1)));
  }
  return z;
}

Tensor tensor(const Numbers& z, bool complex) {
  const Tensor both = Tensor::from(z, {rows, columns});
  return complex ? both : both.view_as_real().select(2, 0).contiguous();
}

Numbers values(const Tensor& t) { return t.to(lrurec::DType::c128).to_vector<c128>(); }
std::string index(std::size_t i) { return fmt::format("index [{}, {}]", i / columns, i % columns); }
const char* name(bool complex) { return complex ? "c128" : "f64"; }

template <class F>
std::vector<double> each(const Numbers& z, const Numbers& dy, F f) {
  Numbers result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(f(z[i], dy[i]));
  return parts(result);
}

/// Whether the values are right; reports those that are not.
bool forward(Check& check, bool complex) {
  const Tensor x = tensor(numbers(1), complex);
  const std::int64_t before = check.failures();
  const Numbers in = values(x), found = values(geometric(Variable(x)).value()), after = values(x);
  if (after != in) {
    check.failure(fmt::format("{}: x is another after the call", name(complex)));
    check.hint("y shares x's memory: a Tensor copy is a view of the same numbers; take Tensor::empty.");
    return false;
  }
  if (!check.length("values", count, found.size())) return false;
  const auto compare = [&](const char* what, std::size_t i, c128 expected, c128 got) {
    const std::string text = fmt::format("{}: {}", name(complex), what);
    if (complex) {
      check.near(text, index(i), expected, got);
    } else {
      check.near(text, index(i), expected.real(), got.real());
    }
  };
  for (std::size_t i = 0; i < count; ++i) compare("value", i, 1.0 / (1.0 - in[i]), found[i]);
  if (check.failures() > before) {
    const bool known = check.recognise(
        parts(found),
        {{"nothing fills the hole yet: x comes out as it went in.", parts(in)},
         {"this is 1 / (1 + x); the series 1 + x + x^2 + ... is 1 / (1 - x).",
          each(in, in, [](c128 z, c128) { return 1.0 / (1.0 + z); })},
         {"this is 1 - x, without the division.", each(in, in, [](c128 z, c128) { return 1.0 - z; })}});
    if (!known) check.hint("the values are wrong, so the gradient was not looked at yet.");
    return false;
  }
  // The same numbers in a view whose elements do not lie in row-major order.
  const Numbers strided = values(geometric(Variable(x.transpose(0, 1).contiguous().transpose(0, 1))).value());
  if (!check.length("values of a transposed view", count, strided.size())) return false;
  for (std::size_t i = 0; i < count; ++i) compare("value of a transposed view", i, found[i], strided[i]);
  if (check.failures() == before) return true;
  check.hint("data() of a view does not lie in row-major order: read from input.value().contiguous().");
  return false;
}

/// Which mistake gives the gradient that the learner's backward gives.
void diagnose(Check& check, const Tensor& x, bool complex) {
  const Tensor cotangent = tensor(numbers(2), complex);
  const Numbers in = values(x), dy = values(cotangent);
  Variable leaf(x, true);
  lrurec::backward({geometric(leaf)}, {cotangent});
  const Numbers dx = leaf.grad().defined() ? values(leaf.grad()) : Numbers(count);
  const auto y = [](c128 z) { return 1.0 / (1.0 - z); };
  const auto by = [&](auto f) { return each(in, dy, f); };
  const bool known = check.recognise(
      parts(dx),
      {{"the gradient is 0: the backward returns what it never filled, or no gradient.",
        by([](c128, c128) { return c128(0); })},
       {"conj is missing: dx = dy conj(f'(x)). Real numbers do not show it.",
        by([&](c128 z, c128 g) { return g * y(z) * y(z); })},
       {"the sign is wrong: d(1 - x)/dx = -1, and the minus of the power -1 meets it: f'(x) = + y^2.",
        by([&](c128 z, c128 g) { return -g * std::conj(y(z) * y(z)); })},
       {"this is conj(f'(x)) alone; the chain rule multiplies it by dy.",
        by([&](c128 z, c128) { return std::conj(y(z) * y(z)); })},
       {"this is f'(x) alone; the chain rule multiplies its conj by dy.",
        by([&](c128 z, c128) { return y(z) * y(z); })},
       {"conj is on dy; it belongs to f'(x).",
        by([&](c128 z, c128 g) { return std::conj(g) * y(z) * y(z); })},
       {"this is dy conj(y); f'(x) = 1 / (1 - x)^2 is y^2.",
        by([&](c128 z, c128 g) { return g * std::conj(y(z)); })},
       {"this is dy y; f'(x) = 1 / (1 - x)^2 is y^2, and its conj is needed.",
        by([&](c128 z, c128 g) { return g * y(z); })}});
  if (!known)
    check.hint("f'(x) = 1 / (1 - x)^2 = y^2; compare dy conj(y^2) with what you compute at that index.");
}

void gradient(Check& check, bool complex) {
  const Tensor x = tensor(numbers(1), complex);
  const Variable leaf(x, true);
  if (!geometric(leaf).requires_grad()) {
    check.failure(fmt::format("{}: the result is not on the graph", name(complex)));
    check.hint("return record(name, {input}, y, backward) rather than Variable(y).");
    return;
  }
  const lrurec::GradcheckReport report =
      lrurec::gradcheck("geometric", [](const Variables& in) { return Variables{geometric(in[0])}; }, {leaf});
  check.passed(report.checked - static_cast<std::int64_t>(report.mismatches.size()));
  for (const auto& m : report.mismatches) {
    check.failure(fmt::format("{}: gradcheck, index [{}], {} part: expected {:.6g}, got {:.6g}",
                              name(complex), fmt::join(m.index, ", "), m.imaginary ? "imaginary" : "real",
                              m.numeric, m.analytic));
  }
  // The other problems follow from the mismatches where there are any.
  const bool differs = !report.mismatches.empty();
  for (const auto& problem : report.problems) {
    const bool writes = problem.starts_with("backward writes to the gradient");
    if (differs && !writes) continue;
    check.failure(fmt::format("{}: gradcheck: {}", name(complex), problem));
    if (writes) {
      check.hint("dy was written to: a Tensor copy is a view of the same numbers; take Tensor::empty.");
    }
    if (problem.find("memory") != std::string::npos || problem.find("stretched") != std::string::npos) {
      check.hint("the gradient that comes in may be any view: read from grad.contiguous().");
    }
    if (problem.starts_with("two backward passes")) {
      check.hint(
          "what the backward holds must stay as it is, for the next walk: write to a tensor of its own.");
    }
  }
  if (differs) diagnose(check, x, complex);
}

void check(Check& check) {
  for (const bool complex : {false, true}) {
    if (!forward(check, complex)) return;
    gradient(check, complex);
    if (check.failures() > 0) return;
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(6, study::check); }
