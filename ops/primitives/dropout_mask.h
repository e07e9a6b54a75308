#pragma once
// Which elements dropout keeps: a function of their position, so that no mask is ever stored.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "tensor/dtype.h"
#include "tensor/random.h"

namespace lrurec {

/// Element i is kept, and scaled by 1 / (1 - p), where word i mod 4 of Philox at counter i / 4 is at least
/// p 2^32. p = 0 keeps everything, p = 1 nothing.
class DropoutMask {
 public:
  DropoutMask(Philox random, double p)
      : random_(random),
        p_(p),
        threshold_(static_cast<std::uint32_t>(std::fmin(std::ldexp(p, 32), 0x1p32 - 1))),
        scale_(p < 1 ? 1 / (1 - p) : 0) {}

  LRUREC_HOST_DEVICE bool keeps_all() const { return p_ == 0; }

  /// The factors of elements 4 counter .. 4 counter + 3, for kernels: one Philox counter.
  template <class R>
  LRUREC_HOST_DEVICE std::array<R, 4> factors(std::uint64_t counter) const {
    const auto words = random_.words(counter);
    const R scale = static_cast<R>(scale_);
    return {words[0] >= threshold_ ? scale : R(0), words[1] >= threshold_ ? scale : R(0),
            words[2] >= threshold_ ? scale : R(0), words[3] >= threshold_ ? scale : R(0)};
  }
  /// The factor of one element.
  template <class R>
  LRUREC_HOST_DEVICE R factor(std::int64_t element) const {
    const auto of_four = factors<R>(static_cast<std::uint64_t>(element / 4));
    const auto k = element % 4;
    return k == 0 ? of_four[0] : k == 1 ? of_four[1] : k == 2 ? of_four[2] : of_four[3];
  }

  /// x[k] *= mask of element first + k, for k < n and every array given.
  template <class T, class... More>
  void apply(std::int64_t first, std::int64_t n, T* x, More*... more) const {
    if (p_ == 0) return;
    // Sixteen counters at a time, so that the rounds of Philox run in vector registers.
    constexpr std::int64_t block = 4 * Philox::lanes;
    using R = real_type<T>;
    const R scale = static_cast<R>(scale_);
    std::array<std::uint32_t, block> words;
    std::array<R, block> factors;
    for (std::int64_t k = 0; k < n;) {
      const std::int64_t inside = (first + k) % block, count = std::min(block - inside, n - k);
      random_.words_of_lanes(static_cast<std::uint64_t>((first + k) / block) * Philox::lanes, words.data());
      for (std::size_t i = 0; i < block; ++i) factors[i] = words[i] >= threshold_ ? scale : R(0);
      if (count == block) {
        multiply(block, factors.data(), x + k);
        (multiply(block, factors.data(), more + k), ...);
      } else {
        multiply(count, factors.data() + inside, x + k);
        (multiply(count, factors.data() + inside, more + k), ...);
      }
      k += count;
    }
  }

 private:
  template <class T>
  static void multiply(std::int64_t n, const real_type<T>* factors, T* x) {
    for (std::int64_t i = 0; i < n; ++i) x[i] *= factors[i];
  }

  Philox random_;
  double p_;
  std::uint32_t threshold_;
  double scale_;
};

}  // namespace lrurec
