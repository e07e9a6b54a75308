#include "docs/study/exercises/check.h"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <functional>

#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

constexpr std::size_t count = 5;
constexpr std::int64_t steps = 3;
using Real = long double;
using Row = std::array<double, count>;

struct Trajectory {
  std::array<Row, steps> p, m, v;  ///< after each step
  std::vector<double> flat() const {
    std::vector<double> values;
    for (const auto& row : p) values.insert(values.end(), row.begin(), row.end());
    return values;
  }
};

/// Gradients of very different sizes: what goes through the adaptive step then shows.
double gradient(std::int64_t n, std::size_t i) {
  const lrurec::Philox random(1, 7);
  return random.normal(static_cast<std::uint64_t>(n) * count + i) *
         std::pow(10.0, static_cast<double>(i) - 3);
}
Row start() { return {1.5, -0.75, 0.5, 2, -3}; }

/// Where the decay enters, in the parts of one step: the gradient, the corrected m, the direction, p.
struct Decay {
  std::function<Real(Real g, Real p)> of_gradient = [](Real g, Real) { return g; };
  std::function<Real(Real m, Real p)> of_mean = [](Real m, Real) { return m; };
  std::function<Real(Real step, Real p)> next = [](Real step, Real p) { return p - step; };
};

/// Adam in long double, with a decay.
Trajectory by_definition(const Settings& s, const Decay& decay, double gradient_scale = 1) {
  Trajectory path;
  std::array<Real, count> p, m{}, v{};
  const Row first = start();
  std::copy(first.begin(), first.end(), p.begin());
  for (std::int64_t n = 1; n <= steps; ++n) {
    for (std::size_t i = 0; i < count; ++i) {
      const Real g = decay.of_gradient(gradient_scale * gradient(n, i), p[i]);
      m[i] = s.beta1 * m[i] + (1 - Real(s.beta1)) * g;
      v[i] = s.beta2 * v[i] + (1 - Real(s.beta2)) * g * g;
      const Real mean = decay.of_mean(m[i] / (1 - std::pow(Real(s.beta1), Real(n))), p[i]);
      const Real root = std::sqrt(v[i] / (1 - std::pow(Real(s.beta2), Real(n))));
      p[i] = decay.next(s.lr * mean / (root + s.eps), p[i]);
      const auto row = static_cast<std::size_t>(n - 1);
      path.p[row][i] = static_cast<double>(p[i]);
      path.m[row][i] = static_cast<double>(m[i]);
      path.v[row][i] = static_cast<double>(v[i]);
    }
  }
  return path;
}

Trajectory by_learner(const Settings& s, double gradient_scale = 1) {
  Trajectory path;
  Row p = start(), m{}, v{};
  for (std::int64_t n = 1; n <= steps; ++n) {
    Row g{};
    for (std::size_t i = 0; i < count; ++i) g[i] = gradient_scale * gradient(n, i);
    adamw_step(s, n, p, g, m, v);
    const auto row = static_cast<std::size_t>(n - 1);
    path.p[row] = p, path.m[row] = m, path.v[row] = v;
  }
  return path;
}

std::vector<Mistake> mistakes(const Settings& s) {
  const Real wd = s.weight_decay, lr = s.lr;
  const auto with = [&](const Decay& decay) { return by_definition(s, decay).flat(); };
  const auto next = [&](std::function<Real(Real, Real)> f) {
    Decay decay;
    decay.next = std::move(f);
    return with(decay);
  };
  Decay in_gradient, in_mean;
  in_gradient.of_gradient = [&](Real g, Real p) { return g + wd * p; };
  in_mean.of_mean = [&](Real m, Real p) { return m + wd * p; };
  return {
      {"nothing decays yet: this is Adam with a weight decay of 0.", with({})},
      {"the decay was added to the gradient (Adam with L2): m and v see it then, and the root of v divides "
       "it away. "
       "It belongs to p alone.",
       with(in_gradient)},
      {"the decay was divided by sqrt(v) + eps: it is scaled by the adaptive step. It must be lr "
       "weight_decay p, "
       "whatever the gradients are.",
       with(in_mean)},
      {"the decay lacks lr: p must shrink by lr weight_decay p.",
       next([&](Real step, Real p) { return p - wd * p - step; })},
      {"the decay has the wrong sign: p grows.",
       next([&](Real step, Real p) { return p + lr * wd * p - step; })},
      {"the decay is lr weight_decay without p: it moves every p by the same amount.",
       next([&](Real step, Real p) { return p - lr * wd - step; })},
      {"the decay was applied to the p that the adaptive step had moved already: apply it before.",
       next([&](Real step, Real p) { return (p - step) * (1 - lr * wd); })},
      {"p was multiplied by lr weight_decay; it must keep 1 - lr weight_decay of itself.",
       next([&](Real step, Real p) { return lr * wd * p - step; })},
  };
}

void check(Check& check) {
  const Settings settings{0.01, 0.9, 0.999, 1e-8, 0.1};
  const Trajectory found = by_learner(settings);
  Decay right;
  right.next = [&](Real step, Real p) { return p - Real(settings.lr) * settings.weight_decay * p - step; };
  const Trajectory expected = by_definition(settings, right);
  // Absolute and relative to p: 1e-13 is what rounding in double leaves, and a decay one step late is more.
  for (std::size_t n = 0; n < steps; ++n) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string where = fmt::format("step {}, index {}", n + 1, i);
      check.near("p", where, expected.p[n][i], found.p[n][i], 1e-12);
      check.near("m, which the decay must leave alone", where, expected.m[n][i], found.m[n][i], 1e-12);
      check.near("v, which the decay must leave alone", where, expected.v[n][i], found.v[n][i], 1e-12);
    }
  }
  // Without gradients only the decay is left.
  const Trajectory idle = by_learner(settings, 0);
  for (std::size_t n = 0; n < steps; ++n) {
    for (std::size_t i = 0; i < count; ++i) {
      const double kept = std::pow(1 - settings.lr * settings.weight_decay, static_cast<double>(n + 1));
      check.near("p where all gradients are 0, p (1 - lr weight_decay)^n",
                 fmt::format("step {}, index {}", n + 1, i), start()[i] * kept, idle.p[n][i], 1e-12);
    }
  }
  // Without decay it is Adam.
  Settings none = settings;
  none.weight_decay = 0;
  const Trajectory adam = by_learner(none), adam_expected = by_definition(none, {});
  for (std::size_t i = 0; i < count; ++i) {
    check.near("p with weight_decay 0", fmt::format("step {}, index {}", steps, i),
               adam_expected.p[steps - 1][i], adam.p[steps - 1][i], 1e-12);
  }
  if (check.failures() > 0 && !check.recognise(found.flat(), mistakes(settings))) {
    check.hint(
        "set the gradients to 0: then p must be p (1 - lr weight_decay)^n after n steps, and nothing else.");
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(5, study::check); }
