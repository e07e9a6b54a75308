#include "docs/study/exercises/check.h"

#include <fmt/format.h>

#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

using Row = std::vector<Complex>;

struct Problem {
  Row lambda, x, h, dh;
  Complex initial;
};

Problem problem(std::size_t length) {
  const lrurec::Philox random(1, length);
  std::uint64_t at = 0;
  const auto next = [&] {
    at += 2;
    return Complex(random.normal(at), random.normal(at + 1));
  };
  Problem p;
  p.initial = next();
  Complex state = p.initial;
  for (std::size_t t = 0; t < length; ++t) {
    p.lambda.push_back(0.7 * next());
    p.x.push_back(next());
    p.dh.push_back(next());
    p.h.push_back(state = p.lambda[t] * state + p.x[t]);
  }
  return p;
}

/// What h_s, or the initial state for s = -1, is owed: the sum of dh_t over all later t, times the conj of
/// all lambdas on the way.
Complex owed(const Problem& p, std::ptrdiff_t s) {
  Complex sum = 0, way = 1;
  for (std::ptrdiff_t t = s; t < std::ssize(p.h); ++t) {
    if (t > s) way *= std::conj(p.lambda[static_cast<std::size_t>(t)]);
    if (t >= 0) sum += way * p.dh[static_cast<std::size_t>(t)];
  }
  return sum;
}

Complex state_before(const Problem& p, std::size_t t) { return t == 0 ? p.initial : p.h[t - 1]; }

/// g_t = dh_t + factor(t) g_{t+1}.
template <class Factor>
std::vector<double> x_by(const Problem& p, Factor factor) {
  Row g(p.h.size());
  for (std::size_t t = g.size(); t-- > 0;) {
    g[t] = p.dh[t] + (t + 1 < g.size() ? factor(t) * g[t + 1] : 0);
  }
  return parts(g);
}

/// f(g_t, t) for every t.
template <class Term>
std::vector<double> lambda_by(const Row& g, Term term) {
  Row all;
  for (std::size_t t = 0; t < g.size(); ++t) all.push_back(term(g[t], t));
  return parts(all);
}

void diagnose(Check& check, const Problem& p, const Gradients& found, bool x_is_right, bool lambda_is_right) {
  if (!x_is_right) {
    const std::vector<Mistake> mistakes{
        {"nothing fills the gradients yet: they are 0.", std::vector<double>(2 * p.h.size())},
        {"x: h_t reaches h_{t+1} through lambda_{t+1}, not through its own lambda_t.",
         x_by(p, [&](std::size_t t) { return std::conj(p.lambda[t]); })},
        {"x: conj is missing, what h_{t+1} is owed must be multiplied by conj(lambda_{t+1}).",
         x_by(p, [&](std::size_t t) { return p.lambda[t + 1]; })},
        {"x: this is dh alone; what later states owe to x_t is missing.", parts(p.dh)},
    };
    if (!check.recognise(parts(found.x), mistakes)) {
      check.hint("begin with x at the last token, where it is dh, then the token before it.");
    }
    return;
  }
  if (!lambda_is_right) {
    const std::vector<Mistake> mistakes{
        {"x is right, and nothing fills lambda yet: it is 0.", std::vector<double>(2 * p.h.size())},
        {"lambda: h_t was used; lambda_t multiplied h_{t-1}, the state before.",
         lambda_by(found.x, [&](Complex g, std::size_t t) { return g * std::conj(p.h[t]); })},
        {"lambda: conj is missing, it must be conj(h_{t-1}).",
         lambda_by(found.x, [&](Complex g, std::size_t t) { return g * state_before(p, t); })},
        {"lambda: the first token's is 0 here, but its lambda multiplied `initial`, which is no 0.",
         lambda_by(found.x,
                   [&](Complex g, std::size_t t) { return t == 0 ? 0 : g * std::conj(state_before(p, t)); })},
        {"lambda: dh_t was used; it must be all that h_t is owed, also through later states.",
         lambda_by(p.dh, [&](Complex dh, std::size_t t) { return dh * std::conj(state_before(p, t)); })},
    };
    if (!check.recognise(parts(found.lambda), mistakes)) {
      check.hint("x is right; lambda_t is owed what x_t is, times the conj of what lambda_t multiplied.");
    }
    return;
  }
  const Complex g = owed(p, 0);
  const std::vector<Mistake> mistakes{
      {"lambda and x are right, and nothing fills initial yet: it is 0.", {0, 0}},
      {"initial: this is what h_0 is owed; `initial` reaches h_0 through lambda_0.", parts(Row{g})},
      {"initial: conj is missing, it must be conj(lambda_0).", parts(Row{p.lambda[0] * g})},
  };
  if (!check.recognise(parts(Row{found.initial}), mistakes)) {
    check.hint("lambda and x are right; `initial` goes into h_0 alone.");
  }
}

void check(Check& check) {
  for (const std::size_t length : {3, 1, 2, 7}) {
    const Problem p = problem(length);
    const Gradients found = backward(p.lambda, p.h, p.initial, p.dh);
    if (!check.length("x", length, found.x.size()) || !check.length("lambda", length, found.lambda.size())) {
      return;
    }
    const auto where = [&](std::size_t t) { return fmt::format("length {}, token {}", length, t); };
    for (std::size_t t = 0; t < length; ++t) {
      check.near("x", where(t), owed(p, static_cast<std::ptrdiff_t>(t)), found.x[t]);
    }
    const bool x_is_right = check.failures() == 0;
    for (std::size_t t = 0; t < length; ++t) {
      const Complex expected = owed(p, static_cast<std::ptrdiff_t>(t)) * std::conj(state_before(p, t));
      check.near("lambda", where(t), expected, found.lambda[t]);
    }
    const bool lambda_is_right = check.failures() == 0;
    check.near("initial", fmt::format("length {}", length), owed(p, -1), found.initial);
    if (check.failures() == 0) continue;
    diagnose(check, p, found, x_is_right, lambda_is_right);
    return;  // the others would say the same again
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(9, study::check); }
