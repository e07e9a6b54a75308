#include "docs/study/exercises/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

using Offsets = std::vector<std::int64_t>;

std::vector<Complex> numbers(std::size_t count, std::uint64_t stream) {
  const lrurec::Philox random(1, stream);
  std::vector<Complex> z;
  for (std::uint64_t i = 0; i < count; ++i) z.emplace_back(random.normal(2 * i), random.normal(2 * i + 1));
  return z;
}

struct Case {
  Complex lambda;
  std::vector<Complex> x;
  Offsets offsets;
  std::vector<Complex> initial;
};

Case make_case(const Offsets& offsets, std::uint64_t stream) {
  return {{0.6, 0.7},
          numbers(static_cast<std::size_t>(offsets.back()), stream),
          offsets,
          numbers(offsets.size() - 1, stream + 100)};
}

/// f(s, begin, end) with the rows begin .. end-1 of each sequence.
template <class F>
void for_each_sequence(const Case& c, F f) {
  for (std::size_t s = 0; s + 1 < c.offsets.size(); ++s) {
    f(s, static_cast<std::size_t>(c.offsets[s]), static_cast<std::size_t>(c.offsets[s + 1]));
  }
}

/// The scan by definition, where `first(s, x, previous)` is the first state of sequence s, with `previous`
/// the state before it in memory, and `after(s, h)` the state that goes on from there.
template <class First, class After>
std::vector<double> scan_with(const Case& c, First first, After after) {
  std::vector<Complex> h(c.x.size());
  Complex previous = c.initial[0];
  for_each_sequence(c, [&](std::size_t s, std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      h[t] = t == begin ? first(s, c.x[t], previous) : c.lambda * previous + c.x[t];
      previous = t == begin ? after(s, h[t]) : h[t];
    }
  });
  return parts(h);
}
template <class First>
std::vector<double> scan_with(const Case& c, First first) {
  return scan_with(c, first, [](std::size_t, Complex h) { return h; });
}

std::vector<double> right(const Case& c) {
  return scan_with(c, [&](std::size_t s, Complex x, Complex) { return c.lambda * c.initial[s] + x; });
}

/// Row t begins sequence s when offsets[s] == t + late.
std::vector<double> shifted(const Case& c, std::int64_t late) {
  std::vector<Complex> h(c.x.size());
  Complex state = c.initial[0];
  for (std::size_t t = 0; t < h.size(); ++t) {
    for (std::size_t s = 0; s + 1 < c.offsets.size(); ++s) {
      if (c.offsets[s] == static_cast<std::int64_t>(t) + late) state = c.initial[s];
    }
    h[t] = state = c.lambda * state + c.x[t];
  }
  return parts(h);
}

std::vector<Mistake> mistakes(const Case& c) {
  const auto flows_on = [&](std::size_t, Complex x, Complex before) { return c.lambda * before + x; };
  const auto filled = [&](std::size_t s) {  // the number of sequences before s that are not empty
    std::size_t count = 0;
    for (std::size_t k = 0; k < s; ++k) count += c.offsets[k] < c.offsets[k + 1] ? 1 : 0;
    return count;
  };
  return {
      {"the state of a sequence flows into the next one: at row offsets[s] the state before must be "
       "initial[s].",
       scan_with(c, flows_on)},
      {"sequences begin from 0 here: the state before the first step is initial[s].",
       scan_with(c, [](std::size_t, Complex x, Complex) { return x; })},
      {"only the first sequence begins from its initial state here, the others from 0.",
       scan_with(c, [&](std::size_t s, Complex x,
                        Complex) { return filled(s) == 0 ? c.lambda * c.initial[s] + x : x; })},
      {"every sequence begins from initial[0] here: it must be initial[s].",
       scan_with(c, [&](std::size_t, Complex x, Complex) { return c.lambda * c.initial[0] + x; })},
      {"the first state is initial[s] + x here: initial[s] is the state before the first step, lambda "
       "applies to "
       "it.",
       scan_with(c, [&](std::size_t s, Complex x, Complex) { return c.initial[s] + x; })},
      {"the reset comes one row late: it must happen before row offsets[s] is computed, not after.",
       scan_with(
           c,
           [&](std::size_t s, Complex x, Complex before) {
             return filled(s) == 0 ? c.lambda * c.initial[s] + x : c.lambda * before + x;
           },
           [&](std::size_t s, Complex h) { return filled(s) == 0 ? h : c.initial[s]; })},
      {"the reset comes one row late: row offsets[s] is the first of sequence s.", shifted(c, -1)},
      {"the reset comes one row early: row offsets[s] - 1 is the last of the sequence before.",
       shifted(c, 1)},
      {"sequences after an empty one get the wrong initial state: an empty sequence has an initial state "
       "too.",
       scan_with(c, [&](std::size_t s, Complex x, Complex) { return c.lambda * c.initial[filled(s)] + x; })},
  };
}

void check(Check& check) {
  const std::vector<Offsets> layouts{{0, 4}, {0, 3, 5}, {0, 3, 3, 4, 8}, {0, 0, 2, 2, 2, 7}, {0, 1, 2, 3}};
  std::vector<double> found;
  std::vector<Case> cases;
  for (std::size_t k = 0; k < layouts.size(); ++k) {
    cases.push_back(make_case(layouts[k], k));
    const Case& c = cases.back();
    const std::vector<Complex> h = scan(c.lambda, c.x, c.offsets, c.initial);
    if (!check.length("states", c.x.size(), h.size())) return;
    const std::vector<double> got = parts(h), expected = right(c);
    found.insert(found.end(), got.begin(), got.end());

    const auto where = [&](std::size_t s, std::size_t t) {
      return fmt::format("offsets {}, sequence {}, row {}", c.offsets, s, t);
    };
    for_each_sequence(c, [&](std::size_t s, std::size_t begin, std::size_t end) {
      for (std::size_t t = begin; t < end; ++t) {
        check.near("state by definition", where(s, t), {expected[2 * t], expected[2 * t + 1]}, h[t]);
      }
    });
    for_each_sequence(c, [&](std::size_t s, std::size_t begin, std::size_t end) {
      const std::vector<Complex> alone =
          scan(c.lambda, std::span(c.x).subspan(begin, end - begin),
               Offsets{0, static_cast<std::int64_t>(end - begin)}, std::span(c.initial).subspan(s, 1));
      if (!check.length("states of one sequence", end - begin, alone.size())) return;
      for (std::size_t t = begin; t < end; ++t) {
        check.near("packed against the sequence alone", where(s, t), alone[t - begin], h[t]);
      }
    });
  }
  if (check.failures() == 0) return;

  // A mistake is recognised over all layouts at once.
  std::vector<Mistake> all;
  for (const auto& c : cases) {
    const std::vector<Mistake> some = mistakes(c);
    if (all.empty()) {
      for (const auto& mistake : some) all.push_back({mistake.hint, {}});
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      all[i].values.insert(all[i].values.end(), some[i].values.begin(), some[i].values.end());
    }
  }
  if (!check.recognise(found, all)) {
    check.hint("the first row that differs tells which sequence: compute it by hand from initial[s].");
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(4, study::check); }
