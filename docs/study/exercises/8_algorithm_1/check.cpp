#include "docs/study/exercises/check.h"

#include <fmt/format.h>

#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

using Number = std::complex<double>;
using Rows = std::vector<Number>;

constexpr std::size_t longest = 17;
constexpr Number lambda{0.6, 0.7};

std::vector<Number> inputs(std::size_t length) {
  const lrurec::Philox random(1, length);
  std::vector<Number> x;
  for (std::uint64_t i = 0; i < length; ++i) x.emplace_back(random.normal(2 * i), random.normal(2 * i + 1));
  return x;
}

std::size_t rounds_of(std::size_t length) {
  std::size_t count = 0;
  while ((std::size_t{1} << count) < length) ++count;
  return count;
}

enum class Padding { front, behind };

/// Rows after each round, where join(h, last, row) gives what `row` gets of the first half, whose last row is
/// `last`; h as it is then.
template <class Join>
std::vector<std::vector<Number>> rounds_with(const std::vector<Number>& x, Padding padding, Join join) {
  const std::size_t padded = std::size_t{1} << rounds_of(x.size()),
                    pad = padding == Padding::front ? padded - x.size() : 0;
  std::vector<Number> h(padded);
  for (std::size_t t = 0; t < x.size(); ++t) h[pad + t] = x[t];
  std::vector<std::vector<Number>> all;
  for (std::size_t half = 1; half < padded; half *= 2) {
    for (std::size_t start = 0; start < padded; start += 2 * half) {
      for (std::size_t i = 0; i < half; ++i) {
        h[start + half + i] += join(h, start + half - 1, start + half + i);
      }
    }
    std::vector<Number>& rows = all.emplace_back();
    for (std::size_t t = 0; t < x.size(); ++t) rows.push_back(h[pad + t]);
  }
  return all;
}

Number power(std::size_t n) {
  Number z = 1;
  for (; n > 0; --n) z *= lambda;
  return z;
}

/// Rows of the half that ends with row `last`: last + 1 is an odd multiple of it.
std::size_t half_at(std::size_t last) {
  std::size_t half = 1;
  while ((last + 1) % (2 * half) == 0) half *= 2;
  return half;
}

Number right_join(const Rows& h, std::size_t last, std::size_t row) { return power(row - last) * h[last]; }

/// After a round of stretches of `stretch` rows, counted from the end: each row is the sum of its stretch up
/// to itself, by definition.
Number by_definition(const Rows& x, std::size_t stretch, std::size_t t) {
  const std::size_t from_end = x.size() - 1 - t, length = stretch - from_end % stretch;
  Number sum = 0;
  for (std::size_t k = 0; k < length && k <= t; ++k) sum += power(k) * x[t - k];
  return sum;
}

void append(std::vector<double>& all, const std::vector<Rows>& rounds) {
  for (const Rows& rows : rounds) {
    const std::vector<double> some = parts(rows);
    all.insert(all.end(), some.begin(), some.end());
  }
}

struct Answer {
  std::vector<Rows> rounds;
  std::int64_t additions;
};

Answer answer(const Rows& x) {
  const std::vector<Complex> counted(x.begin(), x.end());
  Complex::additions = 0;
  Answer result;
  for (const auto& round : rounds(Number(lambda), counted)) {
    Rows& rows = result.rounds.emplace_back();
    for (const Complex& z : round) rows.push_back(z.value);
  }
  result.additions = Complex::additions;
  return result;
}

void check(Check& check) {
  std::vector<double> found;
  std::vector<std::int64_t> additions;  // of each length
  std::vector<Mistake> mistakes{
      {"zeros stand behind the rows here: put them in front, so that every round ends with the last row, "
       "which "
       "is the one that is wanted.",
       {}},
      {"every row of the second half gets lambda^half here: the first gets lambda, the next lambda^2, up to "
       "lambda^half.",
       {}},
      {"every row of the second half gets lambda here: the first gets lambda, the next lambda^2, up to "
       "lambda^half.",
       {}},
      {"a row takes from the one before it, which this round has changed already: all rows of the second "
       "half "
       "take from the last row of the first half.",
       {}},
      {"each row of the second half takes from its own row of the first half here: all of them take from the "
       "last row of the first half.",
       {}},
      {"the powers begin with lambda^0 here: the first row of the second half gets lambda, the next "
       "lambda^2.",
       {}},
  };
  for (std::size_t length = 1; length <= longest; ++length) {
    const Rows x = inputs(length);
    const auto [got, additions_made] = answer(x);
    additions.push_back(additions_made);
    const std::size_t count = rounds_of(length);
    check.near("number of rounds", fmt::format("length {}", length), static_cast<double>(count),
               static_cast<double>(got.size()));
    if (got.size() != count) {
      check.hint(got.size() + 1 == length
                     ? "a round for each row is the scan one by one: a round joins all halves of one length."
                     : "a round joins halves of 1 row, the next of 2, then of 4: ceil(log2 L) of them.");
      return;
    }
    for (std::size_t r = 0; r < count; ++r) {
      if (!check.length(fmt::format("length {}, round {}", length, r + 1), length, got[r].size())) {
        check.hint("a round is returned without its padding.");
        return;
      }
      for (std::size_t t = 0; t < length; ++t) {
        check.near("join", fmt::format("length {}, round {}, row {}", length, r + 1, t),
                   by_definition(x, std::size_t{2} << r, t), got[r][t]);
      }
    }
    Number h = 0;
    for (std::size_t t = 0; count > 0 && t < length; ++t) {
      h = lambda * h + x[t];
      check.near("one by one", fmt::format("length {}, row {}", length, t), h, got.back()[t]);
    }
    append(found, got);
    append(mistakes[0].values, rounds_with(x, Padding::behind, right_join));
    append(mistakes[1].values,
           rounds_with(x, Padding::front, [](const Rows& rows, std::size_t last, std::size_t) {
             return power(half_at(last)) * rows[last];
           }));
    append(mistakes[2].values,
           rounds_with(x, Padding::front,
                       [](const Rows& rows, std::size_t last, std::size_t) { return lambda * rows[last]; }));
    append(mistakes[3].values,
           rounds_with(x, Padding::front, [](const Rows& rows, std::size_t, std::size_t row) {
             return lambda * rows[row - 1];
           }));
    append(mistakes[4].values,
           rounds_with(x, Padding::front, [](const Rows& rows, std::size_t last, std::size_t row) {
             return power(row - last) * rows[row - half_at(last)];
           }));
    append(mistakes[5].values,
           rounds_with(x, Padding::front, [](const Rows& rows, std::size_t last, std::size_t row) {
             return power(row - last - 1) * rows[last];
           }));
  }
  if (check.failures() > 0) {
    if (!check.recognise(found, mistakes)) {
      check.hint("take length 2, then 3: the first round and row that differ tell which join is wrong.");
    }
    return;
  }
  for (std::size_t length = 1; length <= longest; length *= 2) {
    check.near("multiply-adds, (L / 2) log2(L)", fmt::format("length {}", length),
               static_cast<double>(length * rounds_of(length)) / 2,
               static_cast<double>(additions[length - 1]));
  }
  if (check.failures() > 0) {
    check.hint(
        "all rows are right, but not what they cost: a round makes one multiply-add for each row of a second "
        "half, with what the round before left, not with x.");
  }
}

}  // namespace
}  // namespace study

int main() { return study::run(8, study::check); }
