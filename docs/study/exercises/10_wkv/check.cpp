#include "docs/study/exercises/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "exercise.h"
#include "tensor/random.h"

namespace study {
namespace {

using Row = std::vector<double>;

constexpr double w = 0.4, u = 0.7;
constexpr std::size_t tokens = 8;

Row normal(std::uint64_t stream) {
  const lrurec::Philox random(1, stream);
  Row row;
  for (std::uint64_t i = 0; i < tokens; ++i) row.push_back(random.normal(i));
  return row;
}

/// The logarithm of the weight that token i has for token t.
using LogWeight = std::function<double(const Row& k, std::size_t i, std::size_t t)>;

/// The mean by its definition. Weights are taken relative to the largest one.
Row means(const Row& k, const Row& v, const LogWeight& weight) {
  Row y;
  for (std::size_t t = 0; t < tokens; ++t) {
    double largest = weight(k, 0, t), sum = 0, weights = 0;
    for (std::size_t i = 1; i <= t; ++i) largest = std::max(largest, weight(k, i, t));
    for (std::size_t i = 0; i <= t; ++i) {
      const double one = std::exp(weight(k, i, t) - largest);
      sum += one * v[i];
      weights += one;
    }
    y.push_back(sum / weights);
  }
  return y;
}

double age(std::size_t i, std::size_t t) { return static_cast<double>(t - i); }

double right(const Row& k, std::size_t i, std::size_t t) {
  return i == t ? u + k[i] : k[i] - w * (age(i, t) - 1);
}

std::vector<Mistake> mistakes(const Row& k, const Row& v) {
  const auto by = [&](const LogWeight& weight) { return means(k, v, weight); };
  return {
      {"nothing fills y yet: it is 0.", Row(tokens)},
      {"S and Z fall by e^{-w} before y_t uses them here: y_t has S_{t-1} and Z_{t-1} as they were left.",
       by([](const Row& key, std::size_t i, std::size_t t) {
         return i == t ? u + key[i] : key[i] - w * age(i, t);
       })},
      {"nothing falls with age here: S_{t-1} and Z_{t-1} must be multiplied by e^{-w}. Where they are "
       "multiples "
       "of e^m, that is m - w.",
       by([](const Row& key, std::size_t i, std::size_t t) { return i == t ? u + key[i] : key[i]; })},
      {"the newest token has no bonus here: u is missing, or S and Z have it too and keep it. They get e^k, "
       "and only the "
       "newest token's weight in y_t is e^{u + k}.",
       by([](const Row& key, std::size_t i, std::size_t t) {
         return i == t ? key[i] : key[i] - w * (age(i, t) - 1);
       })},
      {"w itself was taken for e^{-w} here.", by([](const Row& key, std::size_t i, std::size_t t) {
         return i == t ? u + key[i] : key[i] + std::log(w) * (age(i, t) - 1);
       })},
  };
}

bool finite(const Row& row) {
  return std::ranges::all_of(row, [](double y) { return std::isfinite(y); });
}

void check(Check& check) {
  const Row k = normal(1), v = normal(2);
  const auto compare = [&](const std::string& what, const Row& keys) {
    const Row expected = means(keys, v, right), found = wkv(w, u, keys, v);
    if (!check.length(what, tokens, found.size())) return found;
    for (std::size_t t = 0; t < tokens; ++t) {
      check.near(what, fmt::format("token {}", t), expected[t], found[t]);
    }
    return found;
  };
  const Row found = compare("keys near 0", k);
  if (check.failures() > 0) {
    if (!check.recognise(found, mistakes(k, v))) {
      check.hint(finite(found) ? "y_0 must be v_0; then look at the first token that differs."
                               : "0 / 0 or infinity - infinity: look at what m is before the first token.");
    }
    return;
  }
  for (const double shift : {1000.0, -1000.0}) {
    Row shifted = k;
    for (double& key : shifted) key += shift;
    if (!finite(compare(fmt::format("keys near {}", shift), shifted))) {
      check.hint(
          fmt::format("right for keys near 0, but e^{} is {} here: no e^ of a key alone may be taken, only "
                      "of its difference to m.",
                      shift, shift > 0 ? "infinite" : "0, and 0 / 0 no number"));
    }
    if (check.failures() > 0) return;
  }
  Row rising, falling;
  for (std::size_t t = 0; t < tokens; ++t) {
    rising.push_back(500.0 * static_cast<double>(t));
    falling.push_back(-500.0 * static_cast<double>(t));
  }
  compare("keys 0, 500, 1000, ...", rising);
  if (check.failures() > 0) {
    check.hint("a key may be far above all before it: m must be able to rise.");
    return;
  }
  compare("keys 0, -500, -1000, ...", falling);
  if (check.failures() > 0) check.hint("a key may be far below all before it: m must not follow it down.");
}

}  // namespace
}  // namespace study

int main() { return study::run(10, study::check); }
