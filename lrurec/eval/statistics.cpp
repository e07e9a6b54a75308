#include "lrurec/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "lrurec/eval/metrics.h"
#include "tensor/error.h"

namespace lrurec::eval {
namespace {

/// Users with the same value, counted: all that a draw with replacement needs to know.
template <class Key>
struct Groups {
  std::vector<Key> keys;
  std::vector<std::int64_t> counts;

  explicit Groups(const std::map<Key, std::int64_t>& all) {
    for (const auto& [key, count] : all) {
      keys.push_back(key);
      counts.push_back(count);
    }
  }

  /// How many of n users, drawn with replacement, come from each group: a multinomial by its conditional
  /// binomials.
  std::vector<std::int64_t> draw(std::int64_t n, std::mt19937_64& random) const {
    std::vector<std::int64_t> drawn;
    std::int64_t left = n, total = n;
    for (const auto count : counts) {
      const double p = total > 0 ? static_cast<double>(count) / static_cast<double>(total) : 0;
      const std::int64_t k =
          count == total ? left : std::binomial_distribution<std::int64_t>(left, p)(random);
      drawn.push_back(k);
      left -= k;
      total -= count;
    }
    return drawn;
  }
};

Interval quantiles(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    return values[static_cast<std::size_t>(std::lround(q * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

std::map<std::string, Interval> bootstrap_intervals(std::span<const std::int64_t> ranks,
                                                    std::int64_t resamples, std::uint64_t seed) {
  const auto n = std::ssize(ranks);
  if (n == 0 || resamples < 1) fail(ErrorKind::internal, "[bootstrap] no users or no resamples");
  std::map<std::int64_t, std::int64_t> counted;  // ranks past the last cut-off are all the same
  for (const auto rank : ranks) ++counted[std::min(rank, cutoffs.back() + 1)];
  const Groups<std::int64_t> groups(counted);
  const auto& names = metric_names();
  std::vector<std::vector<double>> gains;  // [metric][group]
  for (const auto& name : names) {
    gains.emplace_back();
    for (const auto rank : groups.keys) gains.back().push_back(metric_of_rank(name, rank));
  }
  std::vector<std::vector<double>> means(names.size());
  std::mt19937_64 random(seed);
  for (std::int64_t r = 0; r < resamples; ++r) {
    const auto drawn = groups.draw(n, random);
    for (std::size_t m = 0; m < names.size(); ++m) {
      double sum = 0;
      for (std::size_t g = 0; g < drawn.size(); ++g) sum += static_cast<double>(drawn[g]) * gains[m][g];
      means[m].push_back(sum / static_cast<double>(n));
    }
  }
  std::map<std::string, Interval> intervals;
  for (std::size_t m = 0; m < names.size(); ++m) intervals.emplace(names[m], quantiles(means[m]));
  return intervals;
}

PairedDifference compare_paired(std::span<const std::int64_t> ranks_a, std::span<const std::int64_t> ranks_b,
                                const std::string& metric, std::uint64_t seed) {
  const auto n = std::ssize(ranks_a);
  if (n == 0 || ranks_a.size() != ranks_b.size()) {
    fail(ErrorKind::internal, "[compare] {} and {} users", ranks_a.size(), ranks_b.size());
  }
  const auto users = static_cast<double>(n);
  PairedDifference result;
  std::vector<double> differing;
  std::map<double, std::int64_t> counted;
  for (std::size_t u = 0; u < ranks_a.size(); ++u) {
    const double a = metric_of_rank(metric, ranks_a[u]), b = metric_of_rank(metric, ranks_b[u]);
    result.a += a;
    result.b += b;
    ++counted[b - a];
    if (a != b) differing.push_back(b - a);
  }
  result.a /= users;
  result.b /= users;
  double sum = 0;
  for (const double d : differing) sum += d;
  result.difference = sum / users;
  result.differing = std::ssize(differing);

  constexpr std::int64_t resamples = 2000, flips = 10000;
  const Groups<double> groups(counted);
  std::vector<double> means;
  std::mt19937_64 random(seed);
  for (std::int64_t r = 0; r < resamples; ++r) {
    const auto drawn = groups.draw(n, random);
    double total = 0;
    for (std::size_t g = 0; g < drawn.size(); ++g) total += static_cast<double>(drawn[g]) * groups.keys[g];
    means.push_back(total / users);
  }
  result.interval = quantiles(means);

  std::int64_t as_far = 0;
  const double bar = std::abs(sum) * (1 - 1e-12);  // lets the same sum pass in another order of additions
#pragma omp parallel for schedule(static) reduction(+ : as_far)
  for (std::int64_t f = 0; f < flips; ++f) {
    std::mt19937_64 signs(seed * 1000003 + static_cast<std::uint64_t>(f));
    double flipped = 0;
    for (std::size_t i = 0; i < differing.size();) {
      std::uint64_t bits = signs();
      for (int k = 0; k < 64 && i < differing.size(); ++k, ++i, bits >>= 1U) {
        flipped += (bits & 1U) != 0 ? differing[i] : -differing[i];
      }
    }
    as_far += std::abs(flipped) >= bar ? 1 : 0;
  }
  result.p = static_cast<double>(as_far + 1) / static_cast<double>(flips + 1);
  return result;
}

}  // namespace lrurec::eval
