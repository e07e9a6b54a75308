#include "docs/study/exercises/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "autograd/gradcheck.h"
#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

using lrurec::c128;
using lrurec::Tensor;
using lrurec::Variable;
using lrurec::Variables;

constexpr std::int64_t D = 3;
using Numbers = std::vector<c128>;

Numbers numbers(std::int64_t count, std::uint64_t stream) {
  const lrurec::Philox random(1, stream);
  Numbers z;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count); ++i) {
    z.emplace_back(random.normal(2 * i), random.normal(2 * i + 1));
  }
  return z;
}

const Numbers lambda{{0.6, 0.5}, {-0.3, 0.8}, {0.9, -0.2}};

Numbers states(const Numbers& x, const Offsets& offsets) {
  Numbers h = x;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (std::int64_t i = (offsets[s] + 1) * D; i < offsets[s + 1] * D; ++i) {
      h[static_cast<std::size_t>(i)] +=
          lambda[static_cast<std::size_t>(i % D)] * h[static_cast<std::size_t>(i - D)];
    }
  }
  return h;
}

/// Element [t, d], and 0 outside begin .. end-1.
c128 at(const Numbers& z, std::int64_t t, std::int64_t d, std::int64_t begin, std::int64_t end) {
  return t >= begin && t < end ? z[static_cast<std::size_t>(t * D + d)] : c128(0);
}

/// g_t = dh_t + factor(lambda) g of the row before it in `reversed` or forward time.
std::vector<double> dx_by(const Numbers& dh, const Offsets& offsets, bool reversed, c128 (*factor)(c128)) {
  Numbers g(dh.size());
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const std::int64_t begin = offsets[s], end = offsets[s + 1];
    for (std::int64_t k = 0; k < end - begin; ++k) {
      const std::int64_t t = reversed ? end - 1 - k : begin + k;
      for (std::int64_t d = 0; d < D; ++d) {
        g[static_cast<std::size_t>(t * D + d)] =
            at(dh, t, d, begin, end) +
            factor(lambda[static_cast<std::size_t>(d)]) * at(g, reversed ? t + 1 : t - 1, d, begin, end);
      }
    }
  }
  return parts(g);
}

/// g was set to 0 once, before all sequences, which are gone through in their order.
std::vector<double> dx_with_one_beginning(const Numbers& dh, const Offsets& offsets) {
  Numbers g(dh.size());
  for (std::int64_t d = 0; d < D; ++d) {
    c128 carry = 0;
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
      for (std::int64_t t = offsets[s + 1] - 1; t >= offsets[s]; --t) {
        const auto i = static_cast<std::size_t>(t * D + d);
        g[i] = carry = dh[i] + std::conj(lambda[static_cast<std::size_t>(d)]) * carry;
      }
    }
  }
  return parts(g);
}

c128 same(c128 z) { return z; }
c128 conj(c128 z) { return std::conj(z); }
c128 none(c128) { return 0; }

/// Of complex numbers whose parts stand one after the other.
std::vector<double> conj_of(std::vector<double> parts) {
  for (std::size_t i = 1; i < parts.size(); i += 2) parts[i] = -parts[i];
  return parts;
}

std::vector<Mistake> mistakes_of_dx(const Numbers& dh, const Offsets& offsets) {
  const Offsets one{0, offsets.back()};
  return {
      {"nothing fills dx yet: it is 0.", std::vector<double>(2 * dh.size())},
      {"dx: conj is missing, g_{t+1} was multiplied by lambda instead of conj(lambda).",
       dx_by(dh, offsets, true, same)},
      {"dx: time runs the wrong way; gradients go from the last row of a sequence to its first.",
       dx_by(dh, offsets, false, conj)},
      {"dx: time runs the wrong way (from the last row to the first is right), and lambda must be "
       "conj(lambda).",
       dx_by(dh, offsets, false, same)},
      {"dx: the gradient passes from one sequence into the one before; g must be 0 again at the last row of "
       "each.",
       dx_by(dh, one, true, conj)},
      {"dx: g must be 0 again at the last row of each sequence; it was carried over from another sequence.",
       dx_with_one_beginning(dh, offsets)},
      {"dx: this is the conj of the gradient; here gradients are dL/dRe + i dL/dIm, not dL/dRe - i dL/dIm.",
       conj_of(dx_by(dh, offsets, true, conj))},
      {"dx: this is dh alone; what later states owe to x_t, conj(lambda) g_{t+1}, is missing.",
       dx_by(dh, offsets, true, none)},
  };
}

/// sum over t of f(first_t, h_{t-1}), with h of the row `back` before; across boundaries where `across`.
template <class Term>
std::vector<double> dlambda_by(const Numbers& first, const Numbers& h, const Offsets& offsets, Term term,
                               std::int64_t back = 1, bool across = false) {
  Numbers total(D);
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    const std::int64_t begin = across ? 0 : offsets[s], end = across ? offsets.back() : offsets[s + 1];
    for (std::int64_t t = offsets[s]; t < offsets[s + 1]; ++t) {
      for (std::int64_t d = 0; d < D; ++d) {
        total[static_cast<std::size_t>(d)] +=
            term(at(first, t, d, offsets[s], offsets[s + 1]), at(h, t - back, d, begin, end));
      }
    }
  }
  return parts(total);
}

/// g: the learner's own dx, so that a mistake there does not hide one here.
std::vector<Mistake> mistakes_of_dlambda(const Numbers& g, const Numbers& dh, const Numbers& h,
                                         const Offsets& offsets) {
  const auto right = [](c128 a, c128 b) { return a * std::conj(b); };
  return {
      {"nothing fills dlambda yet: it is 0.", std::vector<double>(2 * D)},
      {"dlambda: conj is missing, g_t must be multiplied by conj(h_{t-1}).",
       dlambda_by(g, h, offsets, [](c128 a, c128 b) { return a * b; })},
      {"dlambda: conj is on the wrong factor; it is g_t conj(h_{t-1}), not conj(g_t) h_{t-1}.",
       dlambda_by(g, h, offsets, [](c128 a, c128 b) { return std::conj(a) * b; })},
      {"dlambda: h_t was used; lambda multiplied h_{t-1}, the state before.",
       dlambda_by(g, h, offsets, right, 0)},
      {"dlambda: h_{t+1} was used; lambda multiplied h_{t-1}, the state before.",
       dlambda_by(g, h, offsets, right, -1)},
      {"dlambda: dh_t was used; it must be g_t, which holds the gradient of later states as well.",
       dlambda_by(dh, h, offsets, right)},
      {"dlambda: the first row of a sequence used the last state of the sequence before; h_{t-1} is 0 there.",
       dlambda_by(g, h, offsets, right, 1, true)},
  };
}

/// Whether a hint says what is wrong.
bool gradients(Check& check, const Offsets& offsets) {
  const std::int64_t tokens = offsets.back();
  const Numbers x = numbers(tokens * D, 1);
  const Variable l(Tensor::from(lambda), true);
  const Variable u(Tensor::from(x, {tokens, D}), true);
  const auto function = [&](const Variables& in) { return Variables{linear_scan(in[0], in[1], offsets)}; };

  const Numbers h = states(x, offsets), found = linear_scan(l, u, offsets).value().to_vector<c128>();
  if (!check.length("states", h.size(), found.size())) return false;
  for (std::size_t i = 0; i < h.size(); ++i) {
    check.near(fmt::format("forward, offsets {}", offsets), fmt::format("index [{}, {}]", i / D, i % D), h[i],
               found[i]);
  }

  const lrurec::GradcheckReport report = lrurec::gradcheck("linear_scan", function, {l, u});
  check.passed(report.checked - static_cast<std::int64_t>(report.mismatches.size()));
  for (const std::size_t input : {1, 0}) {  // dlambda comes from dx, so dx first
    for (const auto& m : report.mismatches) {
      if (m.input != input) continue;
      check.failure(fmt::format("gradcheck, offsets {}: {}, index [{}], {} part: expected {:.6g}, got {:.6g}",
                                offsets, input == 0 ? "dlambda" : "dx", fmt::join(m.index, ", "),
                                m.imaginary ? "imaginary" : "real", m.numeric, m.analytic));
    }
  }
  bool explained = false;
  for (const auto& problem : report.problems) {
    const bool writes = problem.starts_with("backward writes to the gradient");
    // The others follow from the mismatches where there are any.
    if (!writes && !report.mismatches.empty()) continue;
    check.failure(fmt::format("gradcheck, offsets {}: {}", offsets, problem));
    if (writes) {
      check.hint("dh was written to: a Tensor copy is a view of the same numbers; take Tensor::zeros.");
      explained = report.mismatches.empty();
    }
  }
  return explained;
}

/// Which mistake gives what the learner's backward gives.
void diagnose(Check& check) {
  const Offsets offsets{0, 3, 3, 4, 8};
  const std::int64_t tokens = offsets.back();
  const Numbers x = numbers(tokens * D, 1), dh = numbers(tokens * D, 2), h = states(x, offsets);
  Variable l(Tensor::from(lambda), true), u(Tensor::from(x, {tokens, D}), true);
  lrurec::backward({linear_scan(l, u, offsets)}, {Tensor::from(dh, {tokens, D})});
  const auto values = [](const Variable& v) {
    return v.grad().defined() ? v.grad().to_vector<c128>()
                              : Numbers(static_cast<std::size_t>(v.value().numel()));
  };
  const Numbers dx = values(u), dlambda = values(l);
  const auto equal = [](const std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(std::abs(a[i] - b[i]) < 1e-9)) return false;
    }
    return true;
  };
  const auto product = [](c128 a, c128 b) { return a * std::conj(b); };
  const bool right_dx = equal(parts(dx), dx_by(dh, offsets, true, conj));
  // Who computes the conj of every gradient has made one mistake, not one in dlambda as well.
  const bool conjugated = equal(parts(dx), conj_of(dx_by(dh, offsets, true, conj)));
  Numbers g = dx;
  if (conjugated) std::transform(g.begin(), g.end(), g.begin(), conj);
  const auto dlambda_of_g = dlambda_by(g, h, offsets, product);
  const bool right_dlambda = equal(parts(dlambda), conjugated ? conj_of(dlambda_of_g) : dlambda_of_g);
  const bool known_dx = !right_dx && check.recognise(parts(dx), mistakes_of_dx(dh, offsets));
  const bool known_dlambda =
      !right_dlambda && check.recognise(parts(dlambda), mistakes_of_dlambda(dx, dh, h, offsets));
  // What is right in dlambda for a g that is wrong is worth saying beside what is wrong with g.
  if (known_dx || (right_dx && known_dlambda)) return;
  if (!right_dx) {
    check.hint("begin with dx at the last row of a sequence, where it is dh, then the row before it.");
  } else if (!right_dlambda) {
    check.hint("dx is right; look at dlambda, which sums over all rows of all sequences.");
  } else {
    check.hint("dx and dlambda are right for one dh: it is the checks named above that differ.");
  }
}

void check(Check& check) {
  for (const Offsets& offsets : {Offsets{0, 1}, Offsets{0, 4}, Offsets{0, 3, 3, 4, 8}}) {
    const bool explained = gradients(check, offsets);
    if (check.failures() == 0) continue;
    if (!explained) diagnose(check);
    return;  // longer sequences would say the same again
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(1, study::check); }
