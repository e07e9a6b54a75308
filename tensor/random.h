#pragma once
// Philox4x32-10: random numbers by counter (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC11). A number is a pure function of (seed, stream, index): the same on every device and thread count, and
// it can be computed again in a backward pass instead of being stored.

#include <array>
#include <cmath>
#include <cstdint>

#include "tensor/host_device.h"

namespace lrurec {

class Philox {
 public:
  /// `stream` separates the uses of one seed, such as a parameter, or a dropout site at a step.
  // NOLINTNEXTLINE(google-explicit-constructor): a seed will do where random numbers are asked for.
  LRUREC_HOST_DEVICE constexpr Philox(std::uint64_t seed, std::uint64_t stream = 0)
      : seed_(seed), stream_(stream) {}

  LRUREC_HOST_DEVICE constexpr std::uint64_t seed() const { return seed_; }
  LRUREC_HOST_DEVICE constexpr std::uint64_t stream() const { return stream_; }

  static constexpr int rounds = 10;
  static constexpr std::uint64_t factor0 = 0xD2511F53, factor1 = 0xCD9E8D57;
  static constexpr std::uint32_t bump0 = 0x9E3779B9, bump1 = 0xBB67AE85;  // of the two halves of the key

  /// Four independent 32-bit words for counter `index`.
  LRUREC_HOST_DEVICE constexpr std::array<std::uint32_t, 4> words(std::uint64_t index) const {
    State s{low(index), high(index), low(stream_), high(stream_)};
    std::uint32_t k0 = low(seed_), k1 = high(seed_);
    for (int i = 0; i < rounds; ++i, bump(k0, k1)) next_round(s, k0, k1);
    return {s.c0, s.c1, s.c2, s.c3};
  }

  /// Uniform in the open interval (0, 1), 52 bits.
  constexpr double uniform(std::uint64_t index) const { return uniform_from(words(index), 0); }

  /// A whole number in 0 .. bound-1 from 64 bits (the bias is below bound / 2^64).
  constexpr std::uint64_t below(std::uint64_t index, std::uint64_t bound) const {
    const auto w = words(index);
    const std::uint64_t bits = (std::uint64_t{w[0]} << 32) | w[1];
    return static_cast<std::uint64_t>((static_cast<uint128>(bits) * bound) >> 64);
  }

  /// Standard normal (Box-Muller).
  double normal(std::uint64_t index) const {
    const auto w = words(index);
    const double radius = std::sqrt(-2.0 * std::log(uniform_from(w, 0)));
    return radius * std::cos(2.0 * pi * uniform_from(w, 2));
  }

  /// Normal(0, sigma) restricted to |x| <= cut, by rejection: attempt a uses counter index + a * 2^40.
  double truncated_normal(std::uint64_t index, double sigma, double cut) const {
    for (std::uint64_t attempt = 0;; ++attempt) {
      const double x = sigma * normal(index + (attempt << 40));
      if (std::abs(x) <= cut) return x;
    }
  }

 private:
  __extension__ typedef unsigned __int128 uint128;  // nvcc takes no `using` here
  struct State {
    std::uint32_t c0, c1, c2, c3;
  };
  LRUREC_HOST_DEVICE static constexpr void next_round(State& s, std::uint32_t k0, std::uint32_t k1) {
    const std::uint64_t p0 = factor0 * s.c0, p1 = factor1 * s.c2;
    s = {high(p1) ^ s.c1 ^ k0, low(p1), high(p0) ^ s.c3 ^ k1, low(p0)};
  }
  LRUREC_HOST_DEVICE static constexpr void bump(std::uint32_t& k0, std::uint32_t& k1) {
    k0 += bump0;
    k1 += bump1;
  }
  static constexpr double pi = 3.14159265358979323846;
  LRUREC_HOST_DEVICE static constexpr std::uint32_t low(std::uint64_t x) {
    return static_cast<std::uint32_t>(x);
  }
  LRUREC_HOST_DEVICE static constexpr std::uint32_t high(std::uint64_t x) {
    return static_cast<std::uint32_t>(x >> 32);
  }
  static constexpr double uniform_from(const std::array<std::uint32_t, 4>& w, std::size_t k) {
    const std::uint64_t bits = ((std::uint64_t{w[k]} << 32) | w[k + 1]) >> 12;
    return (static_cast<double>(bits) + 0.5) * 0x1p-52;
  }

  std::uint64_t seed_;
  std::uint64_t stream_;
};

}  // namespace lrurec
