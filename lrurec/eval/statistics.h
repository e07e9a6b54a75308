#pragma once
// How sure a metric is: users are a sample of those one could have asked.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace lrurec::eval {

struct Interval {
  double low = 0, high = 0;
};

/// 95% intervals of every metric (percentile bootstrap): the 2.5% and 97.5% quantiles of the metric over
/// `resamples` draws of as many users, with replacement. ranks: one for each user, from 1.
std::map<std::string, Interval> bootstrap_intervals(std::span<const std::int64_t> ranks,
                                                    std::int64_t resamples = 2000, std::uint64_t seed = 1);

struct PairedDifference {
  double a = 0, b = 0;         ///< means over users
  double difference = 0;       ///< b - a
  Interval interval;           ///< 95%, bootstrap over users
  double p = 1;                ///< two-sided
  std::int64_t differing = 0;  ///< users to whom the two give different values
};

/// A metric of two models for the same users in the same order; other numbers of users are
/// ErrorKind::internal. p: how often flipping the sign of every user's difference at random gives a mean at
/// least as far from 0 (paired randomisation test, 10,000 draws, so at least 1 / 10,001).
PairedDifference compare_paired(std::span<const std::int64_t> ranks_a, std::span<const std::int64_t> ranks_b,
                                const std::string& metric, std::uint64_t seed = 1);

}  // namespace lrurec::eval
