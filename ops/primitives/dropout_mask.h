#pragma once
// Which elements dropout keeps: a function of their position, so that no mask is ever stored.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "tensor/dtype.h"
#include "tensor/random.h"
#ifndef __CUDACC__
#include "ops/primitives/philox_lanes.h"
#endif

namespace lrurec {

/// Element i is kept, and scaled by 1 / (1 - p), where half i mod 8 of the words of Philox at counter i / 8,
/// low halves first, is at least p 2^16. So p is rounded to the nearest multiple of 2^-16, but stays below 1
/// unless it is 1. p = 0 keeps everything, p = 1 nothing.
class DropoutMask {
 public:
  DropoutMask(Philox random, double p)
      : random_(random),
        threshold_(p < 1 ? static_cast<std::uint32_t>(std::fmin(std::rint(std::ldexp(p, 16)), 0x1p16 - 1))
                         : 1U << 16),
        scale_(p < 1 ? 1 / (1 - std::ldexp(threshold_, -16)) : 0) {}

  LRUREC_HOST_DEVICE bool keeps_all() const { return threshold_ == 0; }

  /// The factors of elements 4 four .. 4 four + 3, for kernels: half of a Philox counter.
  template <class R>
  LRUREC_HOST_DEVICE std::array<R, 4> factors(std::uint64_t four) const {
    const auto words = random_.words(four / 2);
    const bool second = four % 2 != 0;
    const std::uint32_t a = second ? words[2] : words[0], b = second ? words[3] : words[1];
    const auto factor = [this](std::uint32_t half) {
      return half >= threshold_ ? static_cast<R>(scale_) : R(0);
    };
    return {factor(a & 0xffff), factor(a >> 16), factor(b & 0xffff), factor(b >> 16)};
  }
  /// The factor of one element.
  template <class R>
  LRUREC_HOST_DEVICE R factor(std::int64_t element) const {
    const auto of_four = factors<R>(static_cast<std::uint64_t>(element / 4));
    const auto k = element % 4;
    return k == 0 ? of_four[0] : k == 1 ? of_four[1] : k == 2 ? of_four[2] : of_four[3];
  }

#ifndef __CUDACC__
  static constexpr std::int64_t block = 8 * PhiloxLanes::count;

  /// Calls f(k, count, factors of elements first + k, ...) for n elements, some at a time.
  template <class R, class F>
  void for_blocks(std::int64_t first, std::int64_t n, F&& f) const {
    const PhiloxLanes lanes(random_);
    std::array<R, block> factors;
    if (keeps_all()) factors.fill(R(1));
    for (std::int64_t k = 0, count; k < n; k += count) {
      const std::int64_t inside = (first + k) % block;
      count = std::min(block - inside, n - k);
      if (!keeps_all()) draw(lanes, static_cast<std::uint64_t>((first + k) / block), factors);
      if (count == block) {
        f(k, block, factors.data());  // inlined with a length that is known
      } else {
        f(k, count, factors.data() + inside);
      }
    }
  }

  /// out[k] = x[k] * mask of element first + k, for k < n; out may be x.
  template <class T>
  void apply(std::int64_t first, std::int64_t n, const T* x, T* out) const {
    for_blocks<real_type<T>>(first, n, [=](std::int64_t k, std::int64_t count, const real_type<T>* factors) {
      for (std::int64_t i = 0; i < count; ++i) out[k + i] = x[k + i] * factors[i];
    });
  }
  template <class T>
  void apply(std::int64_t first, std::int64_t n, T* x) const {
    apply(first, n, x, x);
  }

 private:
  template <class R>
  void draw(const PhiloxLanes& lanes, std::uint64_t number, std::array<R, block>& factors) const {
    static_assert(std::endian::native == std::endian::little);
    PhiloxLanes::Pairs pairs;
    lanes.pairs(number * PhiloxLanes::count, pairs);
    std::array<std::uint16_t, block> halves;
    static_assert(sizeof halves == sizeof pairs);
    std::memcpy(halves.data(), pairs.data(), sizeof halves);
    const R scale = static_cast<R>(scale_);
    const auto threshold = static_cast<std::int32_t>(threshold_);
    for (std::size_t i = 0; i < block; ++i) factors[i] = halves[i] >= threshold ? scale : R(0);
  }
#endif

 private:
  Philox random_;
  std::uint32_t threshold_;
  double scale_;
};

}  // namespace lrurec
